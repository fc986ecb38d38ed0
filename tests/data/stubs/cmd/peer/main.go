// Command peer serves or calls what api/*.proto declares: peer serve PORT, peer call PORT.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/client"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/cluster/failover"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/loadbalance/random"
	_ "dubbo.apache.org/dubbo-go/v3/cluster/router/tag"
	_ "dubbo.apache.org/dubbo-go/v3/filter/accesslog"
	_ "dubbo.apache.org/dubbo-go/v3/filter/echo"
	_ "dubbo.apache.org/dubbo-go/v3/filter/exec_limit"
	_ "dubbo.apache.org/dubbo-go/v3/filter/generic"
	_ "dubbo.apache.org/dubbo-go/v3/filter/graceful_shutdown"
	_ "dubbo.apache.org/dubbo-go/v3/filter/token"
	_ "dubbo.apache.org/dubbo-go/v3/filter/tps"
	_ "dubbo.apache.org/dubbo-go/v3/filter/tps/limiter"
	_ "dubbo.apache.org/dubbo-go/v3/filter/tps/strategy"
	dubbolog "dubbo.apache.org/dubbo-go/v3/logger"
	_ "dubbo.apache.org/dubbo-go/v3/logger/core/zap"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	_ "dubbo.apache.org/dubbo-go/v3/protocol/triple"
	"dubbo.apache.org/dubbo-go/v3/protocol/triple/triple_protocol"
	_ "dubbo.apache.org/dubbo-go/v3/proxy/proxy_factory"
	_ "dubbo.apache.org/dubbo-go/v3/registry/directory"
	_ "dubbo.apache.org/dubbo-go/v3/registry/protocol"
	"dubbo.apache.org/dubbo-go/v3/server"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"MODULE/api"
	v1 "MODULE/api/common/v1"
	names "MODULE/api/type"
)

// Greeter serves api.Greeter.
type Greeter struct{}

func (Greeter) SayHello(_ context.Context, in *api.HelloRequest) (*api.User, error) {
	return &api.User{Name: "Hello " + in.GetName()}, nil
}

func (Greeter) SayBye(_ context.Context, in *api.HelloRequest) (*api.User, error) {
	return &api.User{Name: "Bye " + in.GetName()}, nil
}

func (Greeter) Watch(_ context.Context, in *api.HelloRequest, out api.Greeter_WatchServer) error {
	if in.GetName() == "" {
		return triple_protocol.NewError(triple_protocol.CodeInvalidArgument, errors.New("no name"))
	}
	for _, letter := range in.GetName() {
		if err := out.Send(&api.User{Name: string(letter)}); err != nil {
			return err
		}
	}
	return nil
}

func (Greeter) Gather(_ context.Context, in api.Greeter_GatherServer) (*api.User, error) {
	var all []string
	for in.Recv() {
		all = append(all, in.Msg().GetName())
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	return &api.User{Name: strings.Join(all, "+"), Age: int32(len(all))}, nil
}

func (Greeter) Chat(_ context.Context, both api.Greeter_ChatServer) error {
	for {
		in, err := both.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := both.Send(&api.User{Name: strings.ToUpper(in.GetName())}); err != nil {
			return err
		}
	}
}

// Shop serves api.Shop.
type Shop struct{}

func (Shop) Price(_ context.Context, in *api.Order_Line) (*v1.Money, error) {
	return &v1.Money{Currency: in.GetItem(), Units: 100 * int64(in.GetCount())}, nil
}

func (Shop) Now(context.Context, *emptypb.Empty) (*timestamppb.Timestamp, error) {
	return &timestamppb.Timestamp{Seconds: 42}, nil
}

func (Shop) Select(_ context.Context, in *names.Func) (*names.SnakeCaseInner_2X, error) {
	return &names.SnakeCaseInner_2X{Map: in.GetRange()}, nil
}

func (Shop) Follow(_ context.Context, both api.Shop_FollowServer) error {
	in, err := both.Recv()
	if err != nil {
		return err
	}
	return both.Send(&names.Func{Range: in.GetItem()})
}

// Plain serves api.type.Plain.
type Plain struct{}

func (Plain) Same(_ context.Context, in *names.Func) (*names.Func, error) { return in, nil }

// Either generator's names fit these.
var (
	_ api.GreeterHandler = Greeter{}
	_ api.ShopHandler    = Shop{}
	_ names.PlainHandler = Plain{}
	_                    = api.Shop_ServiceInfo.Methods
	_                    = api.Shop_ClientInfo.MethodNames
	_                    = api.SetProviderGreeter
	_                    = api.SetConsumerGreeter
	_ api.Greeter        = (*api.GreeterImpl)(nil)
	_                    = api.GreeterName + api.GreeterChatProcedure + api.ShopnowProcedure
)

func main() {
	log.SetFlags(0)
	port, err := strconv.Atoi(os.Args[2])
	check(err)
	ins, err := dubbo.NewInstance(
		dubbo.WithName("peer"),
		dubbo.WithRemoteMetadata(),
		dubbo.WithLogger(dubbolog.WithZap(), dubbolog.WithLevel("error"), dubbolog.WithFormat("json")),
	)
	check(err)
	if os.Args[1] == "serve" {
		serve(ins, port)
	} else {
		call(ins, port)
	}
}

func serve(ins *dubbo.Instance, port int) {
	srv, err := ins.NewServer(server.WithServerProtocol(
		protocol.WithTriple(), protocol.WithIp("127.0.0.1"), protocol.WithPort(port),
	))
	check(err)
	check(api.RegisterGreeterHandler(srv, Greeter{}))
	check(api.RegisterShopHandler(srv, Shop{}))
	check(names.RegisterPlainHandler(srv, Plain{}))
	check(srv.Serve())
}

func call(ins *dubbo.Instance, port int) {
	cli, err := ins.NewClient(
		client.WithClientURL("tri://127.0.0.1:"+strconv.Itoa(port)),
		client.WithClientRequestTimeout(5*time.Second),
		client.WithClientRetries(0),
		client.WithClientNoCheck(),
	)
	check(err)
	ctx := context.Background()
	callGreeter(ctx, cli)
	callShop(ctx, cli)
	same, err := names.NewPlain(cli)
	check(err)
	answer, err := same.Same(ctx, &names.Func{Range: "same"})
	check(err)
	fmt.Println("Same", answer.GetRange())
}

func callGreeter(ctx context.Context, cli *client.Client) {
	greeter, err := api.NewGreeter(cli)
	check(err)
	hello, err := greeter.SayHello(ctx, &api.HelloRequest{Name: "ann"})
	check(err)
	bye, err := greeter.SayBye(ctx, &api.HelloRequest{Name: "ann"})
	check(err)
	fmt.Println("SayHello", hello.GetName())
	fmt.Println("SayBye", bye.GetName())

	watch, err := greeter.Watch(ctx, &api.HelloRequest{Name: "abc"})
	check(err)
	for watch.Recv() {
		fmt.Println("Watch", watch.Msg().GetName())
	}
	check(watch.Err())
	check(watch.Close())

	refused, err := greeter.Watch(ctx, &api.HelloRequest{})
	check(err)
	fmt.Println("Watch", refused.Recv(), triple_protocol.CodeOf(refused.Err()))

	gather, err := greeter.Gather(ctx)
	check(err)
	for _, name := range []string{"x", "y", "z"} {
		check(gather.Send(&api.HelloRequest{Name: name}))
	}
	all, err := gather.CloseAndRecv()
	check(err)
	fmt.Println("Gather", all.GetName(), all.GetAge())

	chat, err := greeter.Chat(ctx)
	check(err)
	for _, name := range []string{"p", "q"} {
		check(chat.Send(&api.HelloRequest{Name: name}))
		answer, err := chat.Recv()
		check(err)
		fmt.Println("Chat", answer.GetName())
	}
	check(chat.CloseRequest())
	_, err = chat.Recv()
	fmt.Println("Chat ends", errors.Is(err, io.EOF))
	check(chat.CloseResponse())
}

func callShop(ctx context.Context, cli *client.Client) {
	shop, err := api.NewShop(cli)
	check(err)
	price, err := shop.Price(ctx, &api.Order_Line{Item: "EUR", Count: 3})
	check(err)
	fmt.Println("Price", price.GetCurrency(), price.GetUnits())
	now, err := shop.Now(ctx, &emptypb.Empty{})
	check(err)
	fmt.Println("now", now.GetSeconds())
	chosen, err := shop.Select(ctx, &names.Func{Range: "r"})
	check(err)
	fmt.Println("select", chosen.GetMap())
	follow, err := shop.Follow(ctx)
	check(err)
	check(follow.Send(&api.Order_Line{Item: "tea"}))
	answer, err := follow.Recv()
	check(err)
	fmt.Println("Follow", answer.GetRange())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
