"""containerd: its configuration, images put into it, registries it may pull from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.cluster.harness.progress import HarnessError, until
from tests.cluster.harness.space import Space
from tests.cluster.harness.state import State

PAUSE = "localhost/pause:1"
# Debian's network plugins.
PLUGINS = Path("/usr/lib/cni")


def socket(state: State) -> Path:
    """Return the socket of the cluster's containerd, which ``ctr -a`` takes."""
    return state.folder / "containerd.sock"


def plugins(state: State) -> Path:
    """Return the folder of the cluster's network plugins, to which Istio adds its own."""
    return state.folder / "cni-bin"


def networks(state: State) -> Path:
    """Return the folder that says which of them a pod goes through."""
    return state.folder / "cni"


def start(space: Space) -> None:
    """Start containerd and wait until it answers."""
    state = space.state
    plugins(state).mkdir()
    for plugin in PLUGINS.iterdir():
        (plugins(state) / plugin.name).symlink_to(plugin)
    networks(state).mkdir()
    (networks(state) / "10-bridge.conflist").write_text(json.dumps(_network(state), indent=1))
    config = state.folder / "containerd.toml"
    config.write_text(_config(state))
    daemon = space.spawn("containerd", "containerd", "-c", config)
    until(lambda: _ctr(state, "version").returncode == 0, "containerd answers", 60, daemon.alive)


def load(state: State, *archives: Path) -> None:
    """Put the images of archives into the node, where pods find them without pulling."""
    for archive in archives:
        done = _ctr(state, "-n", "k8s.io", "images", "import", str(archive))
        if done.returncode:
            raise HarnessError(f"ctr cannot import {archive}: {done.stderr.strip()}")


def trust(state: State, registry: str) -> None:
    """Let containerd pull from a registry that speaks HTTP without TLS."""
    folder = state.folder / "certs.d" / registry
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hosts.toml").write_text(
        f'server = "http://{registry}"\n[host."http://{registry}"]\n  capabilities = ["pull", "resolve"]\n'
    )


def _ctr(state: State, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = ["ctr", "-a", str(socket(state)), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def _network(state: State) -> dict[str, object]:
    ranges = [[{"subnet": "10.244.0.0/24"}]]
    ipam = {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}], "dataDir": f"{state.folder}/ipam"}
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": ipam,
    }
    plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": plugins}


def _config(state: State) -> str:
    folder = state.folder
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
[grpc]
  address = "{socket(state)}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/containerd/opt"
[{cri}]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  [{cri}.cni]
    bin_dir = "{plugins(state)}"
    conf_dir = "{networks(state)}"
  [{cri}.registry]
    config_path = "{folder}/certs.d"
  [{cri}.containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
  [{cri}.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [{cri}.containerd.runtimes.runc.options]
    SystemdCgroup = false
"""
