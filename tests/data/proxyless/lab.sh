#!/bin/sh
# Three pods and an istiod in network namespaces of their own, and what the pods do there. Run in a mount and a network
# namespace that nobody else uses: unshare --map-root-user --mount --net sh lab.sh OUT (OUT holds the programs).
set -eu
cd "$1"

until_line() { # FILE TEXT: wait, at most 30 s, until the file has the text.
  tries=300
  until grep -q "$2" "$1"; do
    tries=$((tries - 1)); [ $tries -gt 0 ] || { echo "no '$2' in $1:" >&2; cat "$1" >&2; exit 1; }
    sleep 0.1
  done
}

mount -t tmpfs none /run
mkdir -p /run/netns /run/secrets/token
printf TOKEN > /run/secrets/token/istio-token
ip link set lo up
ip link add br0 type bridge
ip address add 10.9.0.254/24 dev br0
ip link set br0 up
for pod in 1 2 3; do
  ip netns add pod$pod
  ip link add host$pod type veth peer name eth0 netns pod$pod
  ip link set host$pod master br0 up
  ip -n pod$pod link set lo up
  ip -n pod$pod address add 10.9.0.$pod/24 dev eth0
  ip -n pod$pod link set eth0 up
done

export POD_NAMESPACE=default WEIGHTS="$PWD/weights"
echo 90 10 > weights
./istiod > istiod.log 2>&1 &
istiod=$!
trap 'kill $istiod $v1 $v2 2>/dev/null || true' EXIT
v1= v2=
until_line istiod.log ready

POD_NAME=v1 DUBBO_GO_CONFIG_PATH=server.yaml ip netns exec pod1 ./v1 > v1.log 2>&1 & v1=$!
POD_NAME=v2 DUBBO_GO_CONFIG_PATH=server.yaml ip netns exec pod2 ./v2 > v2.log 2>&1 & v2=$!
until_line v1.log "serving on"
until_line v2.log "serving on"

export POD_NAME=client DUBBO_GO_CONFIG_PATH=client.yaml
ip netns exec pod3 ./client -n 1000 -c 4 -o json > share.json
echo 0 100 > weights
ip netns exec pod3 ./client -n 200 -c 4 -o json > all.json

for pid in $v1 $v2; do
  kill $pid
  wait $pid && status=0 || status=$?
  echo $status >> ended
done
ip netns exec pod3 ./client -n 1 2> nobody.log && status=0 || status=$?
echo $status > nobody
