package main

import (
	"errors"

	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"dubbo.apache.org/dubbo-go/v3/filter"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
)

// rejected answers the calls that a limit or the shutdown turns away. dubbo-go's
// own answer arrives as INTERNAL; UNAVAILABLE tells the caller to try another server.
type rejected struct{}

func init() {
	extension.SetRejectedExecutionHandler(constant.DefaultKey, func() filter.RejectedExecutionHandler { return rejected{} })
}

func (rejected) RejectedExecution(*common.URL, protocol.Invocation) protocol.Result {
	return &protocol.RPCResult{Err: triple_protocol.NewError(triple_protocol.CodeUnavailable,
		errors.New("this server takes no more calls now"))}
}
