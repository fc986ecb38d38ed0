package logging

import (
	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	dubbologger "dubbo.apache.org/dubbo-go/v3/logger"
	"github.com/dubbogo/gost/log/logger"
)

// install makes early dubbo-go's logger until dubbo-go has read its configuration,
// and Driver the name of the one after that.
func install(early *dubbo) {
	logger.SetLogger(early)
	dubbologger.SetLogger(early)
	extension.SetLogger(Driver, func(u *common.URL) (dubbologger.Logger, error) {
		return newDubbo(u.GetParam(constant.LoggerLevelKey, DefaultLevel))
	})
}
