package main

import (
	"context"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"dubbo.apache.org/dubbo-go/v3/filter"
	"dubbo.apache.org/dubbo-go/v3/protocol/base"
	"dubbo.apache.org/dubbo-go/v3/protocol/result"
)

// drain lets the shutdown wait for calls, but not for health watches: each
// dubbo-go client keeps one open for as long as it is connected.
type drain struct{ filter.Filter }

func init() {
	calls, _ := extension.GetFilter(constant.GracefulShutdownProviderFilterKey)
	extension.SetFilter(constant.GracefulShutdownProviderFilterKey, func() filter.Filter { return drain{calls} })
}

func (d drain) Invoke(ctx context.Context, invoker base.Invoker, call base.Invocation) result.Result {
	if invoker.GetURL().Interface() == constant.HealthCheckServiceInterface && call.MethodName() == "Watch" {
		return invoker.Invoke(ctx, call)
	}
	return d.Filter.Invoke(ctx, invoker, call)
}

// Set hands the shutdown's configuration on.
func (d drain) Set(name string, value any) {
	if filter, ok := d.Filter.(interface{ Set(string, any) }); ok {
		filter.Set(name, value)
	}
}
