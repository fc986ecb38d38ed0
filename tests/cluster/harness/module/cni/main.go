// cni: Istio's network plugin and its installer (by argv[0]): istio-cni, install-cni. They are no part of "one": beside
// istiod they warn, on every start, of a setting that both know under one name.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/version"
	"istio.io/istio/cni/pkg/cmd"
	"istio.io/istio/cni/pkg/plugin"
	"istio.io/istio/pkg/log"
)

func main() {
	switch filepath.Base(os.Args[0]) {
	case "istio-cni":
		if err := log.Configure(plugin.GetLoggingOptions(nil)); err != nil {
			os.Exit(1)
		}
		calls := skel.CNIFuncs{Add: plugin.CmdAdd, Check: plugin.CmdCheck, Del: plugin.CmdDelete}
		failure := skel.PluginMainFuncsWithError(calls, version.All, "istio-cni")
		_ = log.Sync() // to the installer, which may have ended
		if failure != nil {
			_ = failure.Print()
			os.Exit(1)
		}
	case "install-cni":
		// It takes the plugin out of use again when it is told to end.
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		if err := cmd.GetCommand().ExecuteContext(ctx); err != nil {
			os.Exit(1)
		}
	default:
		fmt.Fprintln(os.Stderr, "called neither istio-cni nor install-cni")
		os.Exit(2)
	}
}
