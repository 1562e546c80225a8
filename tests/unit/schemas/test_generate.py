from pathlib import Path

from schemas.generate import GENERATED, artefacts, stale


def test_committed_files_fit_the_models() -> None:
    assert stale(GENERATED) == []


def test_a_changed_a_missing_and_a_left_over_file_are_stale(tmp_path: Path) -> None:
    for name, text in artefacts().items():
        (tmp_path / name).write_text(text)
    assert stale(tmp_path) == []
    (tmp_path / "asyncapi.yaml").write_text("asyncapi: 2.0.0\n")
    (tmp_path / "survey.step.occurred.v1.json").unlink()
    (tmp_path / "survey.forgotten.v1.json").write_text("{}")
    assert stale(tmp_path) == ["asyncapi.yaml", "survey.forgotten.v1.json", "survey.step.occurred.v1.json"]
