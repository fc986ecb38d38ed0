package service

import (
	"context"
	"errors"
	"io"

	"dubbo-go-server/api"
)

type TalkServerImpl struct {
	api.UnimplementedTalkServer
}

func (s *TalkServerImpl) One(ctx context.Context, in *api.HelloRequest) (*api.User, error) {
	return &api.User{Name: "one " + in.Name}, nil
}

func (s *TalkServerImpl) AskMany(stream api.Talk_AskManyServer) error {
	names := ""
	for {
		in, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&api.User{Name: "many" + names})
		}
		if err != nil {
			return err
		}
		names += " " + in.Name
	}
}

func (s *TalkServerImpl) Tell(in *api.HelloRequest, stream api.Talk_TellServer) error {
	for _, id := range []string{"a", "b"} {
		if err := stream.Send(&api.User{Name: in.Name, Id: id}); err != nil {
			return err
		}
	}
	return nil
}

func (s *TalkServerImpl) Chat(stream api.Talk_ChatServer) error {
	for {
		in, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&api.User{Name: "chat " + in.Name}); err != nil {
			return err
		}
	}
}
