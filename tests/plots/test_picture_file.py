"""A picture is there as a whole or not at all, and what is in its way is found before it is made."""

import stat

import pytest

pytest.importorskip("matplotlib", reason="pictures need the extra sklid[plots]")

from matplotlib.figure import Figure

from sklid.plots.picture_file import PictureError, check_picture_file, save_picture


class Broken(Figure):
    """Fails halfway, as on a full disk."""

    def savefig(self, path, **options):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(("name", "start"), [("out.png", b"\x89PNG"), ("out.PDF", b"%PDF")])
def test_suffix_says_the_format_and_nothing_else_is_left(tmp_path, name, start):
    check_picture_file(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    save_picture(Figure(), tmp_path / name, dpi=50)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes().startswith(start)


def test_picture_that_fails_halfway_leaves_the_former_one(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"former")
    with pytest.raises(PictureError, match=r"cannot write the picture to .*: No space left on device\."):
        save_picture(Broken(), path, dpi=50)
    assert path.read_bytes() == b"former"
    assert list(tmp_path.iterdir()) == [path]


def test_picture_has_the_rights_of_any_new_file_and_stays_behind_its_link(tmp_path):
    (tmp_path / "plain").touch()
    (tmp_path / "link.png").symlink_to(tmp_path / "out.png")
    save_picture(Figure(), tmp_path / "link.png", dpi=50)
    assert (tmp_path / "link.png").is_symlink()
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "out.png")}
    assert len(modes) == 1


@pytest.mark.parametrize(
    ("name", "obstacle"),
    [
        ("out", "a name without suffix is no picture; give one of"),
        ("out.doc", ".doc is no picture; give one of"),
        ("folder.png", "it is a folder"),
        ("none/out.png", "there is no folder"),
        ("file/out.png", "there is no folder"),
    ],
)
def test_obstacles_are_named(tmp_path, name, obstacle):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(PictureError, match=obstacle):
        check_picture_file(tmp_path / name)
