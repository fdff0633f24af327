"""Programs of a Debian package, with stand-ins for apt-get and dpkg-deb on the PATH."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actors.embedded.debian import DebianPackage
from actors.embedded.errors import ServerUnavailable

SAMPLE = DebianPackage("sample-server", ("sample-server", "sample-tool"), "set SAMPLE_URL")

APT_GET = """#!/bin/sh
echo "$@" >> "$TOOLS/calls"
case "$*" in
  *Dir::State::lists=*update*) touch "$TOOLS/updated" ;;
  *download*)
    if [ -e "$TOOLS/needs-update" ] && [ ! -e "$TOOLS/updated" ]; then
      echo "E: Unable to locate package" >&2
      exit 100
    fi
    touch "sample-server_1.0_amd64.deb" ;;
esac
"""
DPKG_DEB = """#!/bin/sh
mkdir -p "$3/usr/bin"
for name in sample-server sample-tool; do
  printf '#!/bin/sh\\necho 1.0\\n' > "$3/usr/bin/$name"; chmod 755 "$3/usr/bin/$name"
done
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    for name, text in (("apt-get", APT_GET), ("dpkg-deb", DPKG_DEB)):
        (folder / name).write_text(text.replace("$TOOLS", str(folder)))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


async def test_is_fetched_once_and_kept(tools: Path, tmp_path: Path) -> None:
    said: list[str] = []
    packages = tmp_path / "packages"
    assert SAMPLE.found(packages) is None
    first = await SAMPLE.obtain(packages, said.append)
    assert first["sample-tool"] == packages / "sample-server" / "usr" / "bin" / "sample-tool"
    assert await SAMPLE.obtain(packages, said.append) == first
    assert said == ["fetching Debian's package sample-server"]
    assert (tools / "calls").read_text().count("download") == 1
    assert sorted(path.name for path in packages.iterdir()) == [".sample-server.lock", "sample-server"]


async def test_two_at_once_fetch_once(tools: Path, tmp_path: Path) -> None:
    def mute(_: str) -> None: ...

    both = await asyncio.gather(*(SAMPLE.obtain(tmp_path / "packages", mute) for _ in range(2)))
    assert both[0] == both[1]
    assert (tools / "calls").read_text().count("download") == 1


async def test_private_lists_are_used_where_the_systems_do_not_know_it(tools: Path, tmp_path: Path) -> None:
    (tools / "needs-update").touch()
    said: list[str] = []
    assert await SAMPLE.obtain(tmp_path / "packages", said.append)
    assert said[-1] == "updating private package lists: the system's do not have it"


async def test_what_is_on_the_path_is_used_as_it_is(tools: Path, tmp_path: Path) -> None:
    for name in SAMPLE.binaries:
        (tools / name).symlink_to("/bin/true")
    found = await SAMPLE.obtain(tmp_path / "packages", lambda _: None)
    assert found["sample-server"] == tools / "sample-server"
    assert not (tools / "calls").exists()


@pytest.mark.parametrize(
    ("broken", "script", "reason"),
    [
        (
            "apt-get",
            "#!/bin/sh\necho 'E: No network' >&2; exit 100\n",
            "apt-get failed with code 100: E: No network",
        ),
        ("dpkg-deb", "#!/bin/sh\nmkdir -p $3\n", "dpkg-deb found no sample-server or sample-tool"),
        ("apt-get", None, "apt-get is not on the PATH"),
    ],
)
async def test_where_it_cannot_be_had_one_line_says_why_and_what_to_do(
    tools: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
    script: str | None,
    reason: str,
) -> None:
    if script is None:
        (tools / broken).unlink()
        (tools / "setpriv").symlink_to("/usr/bin/setpriv")
        monkeypatch.setenv("PATH", str(tools))
    else:
        (tools / broken).write_text(script)
    with pytest.raises(ServerUnavailable) as caught:
        await SAMPLE.obtain(tmp_path / "packages", lambda _: None)
    message = str(caught.value)
    assert message.startswith("sample-server is not available (")
    assert reason in message
    assert message.endswith("): set SAMPLE_URL")
    assert "\n" not in message
    assert not (tmp_path / "packages" / "sample-server").exists()
