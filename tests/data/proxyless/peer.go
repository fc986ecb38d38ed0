// Command peer calls every kind of rpc of two services and prints the answers.
package main

import (
	"context"
	"fmt"
	"os"

	_ "dubbo.apache.org/dubbo-go/v3/cluster/cluster/failover"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/loadbalance/random"
	_ "dubbo.apache.org/dubbo-go/v3/filter/graceful_shutdown"
	_ "dubbo.apache.org/dubbo-go/v3/protocol/triple"
	_ "dubbo.apache.org/dubbo-go/v3/proxy/proxy_factory"
	_ "dubbo.apache.org/dubbo-go/v3/registry/protocol"

	"dubbo-go-server/api"
	"dubbo-go-server/pkg/config"
	"dubbo-go-server/pkg/logging"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	logging.Setup(os.Stderr)
	conf, err := config.Load()
	check(err)
	greeter, talk := &api.GreeterClientImpl{}, &api.TalkClientImpl{}
	check(conf.Refer(greeter, talk))
	ctx := context.Background()

	user, err := greeter.SayHello(ctx, &api.HelloRequest{Name: "a"})
	fmt.Println(user.GetName(), err)
	user, err = talk.One(ctx, &api.HelloRequest{Name: "b"})
	fmt.Println(user.GetName(), err)

	many, err := talk.AskMany(ctx)
	check(err)
	check(many.Send(&api.HelloRequest{Name: "c"}))
	check(many.Send(&api.HelloRequest{Name: "d"}))
	user, err = many.CloseAndRecv()
	fmt.Println(user.GetName(), err)

	tell, err := talk.Tell(ctx, &api.HelloRequest{Name: "e"})
	check(err)
	for range 3 {
		user, err = tell.Recv()
		fmt.Println(user.GetId(), err)
	}

	chat, err := talk.Chat(ctx)
	check(err)
	for _, name := range []string{"f", "g"} {
		check(chat.Send(&api.HelloRequest{Name: name}))
		user, err = chat.Recv()
		fmt.Println(user.GetName(), err)
	}
	check(chat.CloseSend())
	_, err = chat.Recv()
	fmt.Println(err)
}
