"""The images of Istio's charts: istiod, the network plugin, and the sidecar of pilot-agent and an Envoy without Istio's filters."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.cluster.harness.archive import File, Image, write

HUB = "localhost/istio"
PASSWD = File(
    "etc/passwd", b"root:x:0:0::/root:/bin/sh\nistio-proxy:x:1337:1337::/home/istio-proxy:/bin/sh\n", mode=0o644
)
GROUP = File("etc/group", b"root:x:0:\nistio-proxy:x:1337:\n", mode=0o644)
NFT = Path("/usr/sbin/nft")
XTABLES = Path("/usr/sbin/xtables-nft-multi")
XTABLES_NAMES = tuple(f"{ip}tables{verb}" for ip in ("ip", "ip6") for verb in ("", "-save", "-restore"))
XTABLES_LINKS = (*XTABLES_NAMES, "iptables-nft", "iptables-nft-save", "iptables-nft-restore")


def pilot(one: Path, tag: str, into: Path) -> Path:
    """Write the image of istiod."""
    files = [File("usr/local/bin/pilot-discovery", one), PASSWD, GROUP]
    image = Image(f"{HUB}/pilot:{tag}", ["/usr/local/bin/pilot-discovery"], files, user="1337:1337")
    return write(image, into / "pilot.tar")


def cni(program: Path, tag: str, into: Path) -> Path:
    """Write the image that brings Istio's network plugin to a node; it is the same program by another name."""
    installer = "/usr/local/bin/install-cni"
    links = [("opt/cni/bin/istio-cni", installer)]
    image = Image(f"{HUB}/install-cni:{tag}", [installer], [File(installer, program)], links)
    return write(image, into / "install-cni.tar")


def proxy(agent: Path, envoy: Path, bootstrap: Path, tag: str, into: Path) -> Path:
    """Write the image of the sidecar, which as istio-init also redirects a pod's connections by iptables."""
    modules = sorted(Path("/usr/lib").glob("*-linux-gnu/xtables/*.so"))
    files = [
        File("usr/local/bin/pilot-agent", agent),
        File("usr/local/bin/envoy", envoy),
        File("var/lib/istio/envoy/envoy_bootstrap_tmpl.json", bootstrap, mode=0o644),
        File(str(XTABLES), XTABLES),
        File(str(NFT), NFT),
        PASSWD,
        GROUP,
        *(File(str(module), module, mode=0o644) for module in modules),
        *(File(name, path) for name, path in _libraries(envoy, XTABLES, NFT, *modules).items()),
    ]
    image = Image(
        f"{HUB}/proxyv2:{tag}",
        ["/usr/local/bin/pilot-agent"],
        files,
        links=[(f"usr/sbin/{name}", str(XTABLES)) for name in XTABLES_LINKS],
        env=("PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",),
    )
    return write(image, into / "proxyv2.tar")


def _libraries(*programs: Path) -> dict[str, Path]:
    """Return the shared libraries of the programs: the name that the loader opens, and the file."""
    found = {}
    for program in programs:
        said = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
        for match in re.finditer(r"(?:=> )?(/\S+) \(0x", said):
            found[match.group(1)] = Path(match.group(1)).resolve()
    return found
