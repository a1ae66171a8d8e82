# SPDX-License-Identifier: BSD-3-Clause
"""README and guide, followed to the letter from a fresh start."""
import json
import shlex
import subprocess

from lab.document import ROOT, Shell, blocks, inline_commands
from lab.expect import Failure, expect, test

PLACEHOLDERS = {"NAME": "web-1", "ADDRESS": "10.0.0.5", "FILE": "new.json"}
# What tells a bare object's collection.
LISTS = (("policies", "direction"), ("networks", "vni"), ("nodes", "address"), ("routes", "prefix"))


def follow(lab, name, more=None):
    shell = Shell(lab)
    try:
        run, left_out = shell.follow(name)
        for reason in left_out:
            print(f"note {reason}")
        expect(run > 3, f"{name}: only {run} command blocks were found")
        if more:
            more(shell)
    finally:
        shell.close()


@test
def the_readmes_commands_do_what_it_shows(lab):
    follow(lab, "README.md")


@test
def the_guides_commands_do_what_it_shows(lab):
    follow(lab, "docs/guide.md", lambda shell: expect_inline(shell))


def expect_inline(shell):
    """Commands in the text of guide and runbooks, against the daemon that the guide has started."""
    wrong = []
    for name in ("docs/guide.md", "docs/drops.md"):
        for command in inline_commands(name, "sluicectl"):
            if "…" in command or " add " in command or " del " in command or " set " in command:
                continue
            if command == "sluicectl apply FILE":  # lines, and not a configuration
                command = "sluicectl apply /dev/null"
            for word, value in PLACEHOLDERS.items():
                command = command.replace(word, value)
            status, printed = shell.type(f"timeout 1.5 {command}" if "--watch" in command else command)
            if status not in (0, 124):
                wrong.append(f"{name}: {command}: exit {status}: {printed.strip()}")
    if wrong:
        raise Failure("\n".join(wrong))


def whole(fragment, base):
    """A configuration that contains the fragment, which may be a whole one, a part of one, or
    objects of a collection."""
    try:
        value = json.loads(fragment)
    except ValueError:
        try:
            value = json.loads("{" + fragment + "}")
        except ValueError:
            value = {"policies": json.loads("[" + fragment + "]")}
    for section, field in LISTS:
        if field in value:
            value = {section: [value]}
    merged = json.loads(json.dumps(base))
    for name, part in value.items():
        if isinstance(part, list) and all("name" in o for o in part) and name in merged:
            names = {o["name"] for o in part}
            merged[name] = [o for o in merged[name] if o["name"] not in names] + part
        else:
            merged[name] = part
    return merged


@test
def every_json_example_of_the_guide_is_a_configuration(lab):
    check_examples(lab, "docs/guide.md")


@test
def every_json_example_of_the_guides_chapters_is_a_configuration(lab):
    chapters = sorted(ROOT.glob("docs/guide/*.md"))
    for chapter in chapters:
        check_examples(lab, str(chapter.relative_to(ROOT)))
    guide = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    unlinked = [c.name for c in chapters if f"(guide/{c.name})" not in guide]
    expect(not unlinked, f"chapters that the guide does not name: {unlinked}")


def check_examples(lab, page):
    examples = [b for b in blocks(page) if b.kind == "json"]
    expect(examples, f"{page} has no example")
    first = next(b.text for b in blocks("docs/guide.md") if "<<'EOT'" in b.text)
    base = json.loads(first.split("<<'EOT'\n")[1].split("EOT\n")[0])
    for block in examples:
        path = lab.file("example.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(whole(block.text, base), f)
        done = subprocess.run([lab.sluiced, "--config", path, "--check"], capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"{page}:{block.line}: {done.stderr}{block.text}")


@test
def the_demo_ends_well_and_its_commands_can_be_pasted(lab):
    done = subprocess.run([ROOT / "tools/demo"], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"exit {done.returncode}: {done.stderr}{done.stdout[-2000:]}")
    commands = [line[4:] for line in done.stdout.splitlines() if line.startswith("  $ ")]
    expect(len(commands) >= 8, f"only {len(commands)} commands are shown")
    for command in commands:
        words = shlex.split(command)
        for word in words:
            value = word.partition("=")[2]
            if value[:1] in ("[", "{"):
                json.loads(value)  # it has kept its quotes


@test
def packages_that_the_readme_names_are_those_the_test_command_installs(_lab):
    listed = (ROOT / "tools/lib/packages").read_text(encoding="utf-8").split()
    named = next(b.text for b in blocks("README.md") if "apt-get install" in b.text)
    words = [w for line in named.splitlines() if not line.startswith("meson") for w in line.split()]
    missing = [w for w in words if w not in ("apt-get", "install", "\\") and w not in listed]
    expect(not missing, f"README names packages that tools/lib/packages does not: {missing}")
