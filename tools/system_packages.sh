#!/bin/sh
# Installs the Debian packages that a make target needs, where it may; says what to install where it may not.
# Usage: tools/system_packages.sh demo|test
set -u
case "${1:-}" in
demo) wanted="libgl1 libglib2.0-0" ;;
test) wanted="libgl1 libglib2.0-0 mosquitto mosquitto-clients libmodbus-dev mbpoll socat gcc libc6-dev pkg-config systemd openssl \
      gir1.2-aravis-0.8 aravis-tools aravis-tools-cli libgirepository1.0-dev libcairo2-dev iproute2 \
      gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
      gstreamer1.0-plugins-ugly python3-gi chromium fonts-wqy-microhei qemu-user" ;;
*) echo "usage: $0 demo|test" >&2; exit 64 ;;
esac

# Node often comes from elsewhere than Debian, and its npm then stands in the way of Debian's.
[ "$1" = demo ] || command -v npm >/dev/null 2>&1 || wanted="$wanted nodejs npm"

missing=""
if command -v dpkg-query >/dev/null 2>&1; then
    for package in $wanted; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
    done
else
    echo "system packages: this is not a Debian system; see that these or their like are there: $wanted"
    exit 0
fi
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo"
    else
        echo "system packages: please install:  sudo apt-get install --no-install-recommends$missing"
        exit 0
    fi
fi
echo "system packages: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # the list is words
if $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
    exit 0
fi
echo "system packages: apt failed; please install:  apt-get install --no-install-recommends$missing"
exit 0
