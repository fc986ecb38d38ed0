package logging

import (
	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"github.com/dubbogo/gost/log/logger"
)

// install makes early dubbo-go's logger until dubbo-go has read its configuration,
// and Driver the name of the one after that.
func install(early *dubbo) {
	logger.SetLogger(early)
	extension.SetLogger(Driver, func(u *common.URL) (logger.Logger, error) {
		return newDubbo(u.GetParam(constant.LoggerLevelKey, DefaultLevel))
	})
}
