"""`python -m tests.demo`: the main job on a fresh deployment; exits 0 only if all of it held."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from cameo import env

env.prepare()

from common.errors import CameoError  # noqa: E402 - the environment comes first
from models.runtime import load_engines  # noqa: E402
from tests.demo.clients import Generator  # noqa: E402
from tests.demo.deployment import Fresh, prepare, running  # noqa: E402
from tests.demo.narration import Narrator, StoryFailed, must  # noqa: E402
from tests.demo.story import Stage, tell  # noqa: E402
from tests.simulation.person import SimulatedPerson  # noqa: E402

REAL_CLIPS = env.PROJECT.parent / "shared" / "clips"
TURN_SECONDS = 1.0


def main() -> int:
    say = Narrator()
    try:
        with tempfile.TemporaryDirectory(prefix="cameo-demo-") as folder:
            _play(Path(folder), say)
    except (StoryFailed, CameoError) as error:
        sys.stdout.write(f"\nThe demo ended early: {error}\n")
        return 1
    say.end()
    return 0


def _play(home: Path, say: Narrator) -> None:
    say.chapter("A fresh deployment")
    with say.step("Keyring, embedded PostgreSQL and migrations"):
        fresh = prepare(home)
    try:
        _tell_all(fresh, say)
    finally:
        fresh.dismantle()


def _tell_all(fresh: Fresh, say: Narrator) -> None:
    with say.step("A simulated person (a NASA portrait that can turn, blink and open its mouth)"):
        engines = load_engines("open", Path(fresh.environment["CAMEO_MODELS_DIR"]))
        face = SimulatedPerson.from_portrait(engines)
    with say.step("An app for people, and two generators, are registered"):
        app = fresh.register("Cameo app", "--app")
        registered = [fresh.register(name) for name in ("Gen", "Other")]
    say.chapter("A web server and a worker on loopback")
    with running(fresh):
        generators = [
            Generator(
                url=fresh.local.url,
                client_id=made["client_id"],
                audience=made["audience"],
                secret=made["client_secret"],
            )
            for made in registered
        ]
        stage = Stage(
            url=fresh.local.url,
            issuer=fresh.environment["CAMEO_PUBLIC_URL"],
            mailbox=fresh.mailbox,
            app=app["client_id"],
            gen=generators[0],
            other=generators[1],
            face=face,
        )
        tell(stage, say)
        for generator in generators:
            generator.close()
    _ledger(fresh, say)
    _real_clip(fresh, say)


def _ledger(fresh: Fresh, say: Narrator) -> None:
    say.chapter("The ledger")
    with say.step("Every chain holds") as said:
        found = json.loads(fresh.manage("ledger", "verify", "--json"))
        said.append(f"{found['entries']} entries in {found['chains']} chains")
    with say.step("One changed byte is found") as said:
        fresh.change_one_byte_of_the_ledger()
        found = json.loads(fresh.manage("ledger", "verify", "--json", expect=1))
        must(found["ok"] is False, "the change wasn't found")
        said.append(f"entry {found['sequence']} of {found['chain'][:8]}…: {found['why']}")


def _real_clip(fresh: Fresh, say: Narrator) -> None:
    if not REAL_CLIPS.is_dir():
        return
    say.chapter("A real clip, with a script made from its labels")
    labels = json.loads((REAL_CLIPS / "labels.json").read_text("utf-8"))["clips"]
    name, label = max(labels.items(), key=lambda entry: len(entry[1]["turns"]))
    script = [
        {
            "kind": "turn",
            "direction": turn["direction"],
            "start": round(max(0.0, turn["peak"] - TURN_SECONDS), 2),
            "end": round(turn["peak"] + TURN_SECONDS, 2),
            "min_degrees": turn["yaw"] - 3,
        }
        for turn in label["turns"]
    ]
    file = fresh.home / "script.json"
    file.write_text(json.dumps(script), "utf-8")
    with say.step(f"analyse_clip on a clip with {len(script)} labelled turns") as said:
        out = fresh.manage("analyse_clip", str(REAL_CLIPS / name), "--script", str(file), "--json")
        found = json.loads(out)
        answered = [prompt for prompt in found["prompts"] if prompt["found"]]
        must(len(answered) == len(script), f"{len(answered)} turns were found")
        said.append(f"all {len(script)} turns found; outcome {found['outcome']}")


if __name__ == "__main__":
    sys.exit(main())
