"""Objects near the corpus: seeded changes of Istio's samples and of the objects that its tables become."""

import copy
import json
import random
from collections import defaultdict
from pathlib import Path

from ruamel.yaml import YAML

from dubbopy_cli.traffic.validation import KINDS
from tests.corpus.tables import BUILDERS, read

SAMPLES = Path(__file__).parents[1] / "data" / "istio" / "samples"
ANALYZERS = SAMPLES.parent / "analyzers" / "testdata"
SIGNS = "*./-_%[(a1 ~@:,\\"
# Without them an object is another one, or none.
KEPT = ("apiVersion", "kind", "metadata")


def originals():
    """Return the corpus as objects of plain JSON."""
    files = [doc for path in sorted(SAMPLES.rglob("*.yaml")) for doc in YAML(typ="safe").load_all(path) if doc]
    found = [one for one in files if one.get("kind") in KINDS and one["apiVersion"].startswith("networking.istio.io/")]
    found += [BUILDERS[table](case) for table, _, case in read()]
    return json.loads(json.dumps(found, default=str))


def places(node):
    """Yield (container, key) of every value in an object."""
    for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield node, key
        yield from places(node[key])


class Mutator:
    """Makes changed objects, the same ones for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.docs = originals()
        self.values = defaultdict(list)
        for doc in self.docs:
            for container, key in places(doc["spec"]):
                self.values[str(key)].append(container[key])
        self.fields = sorted(key for key in self.values if not key.isdigit())

    def doc(self):
        """Return one object with one to three changes, without nulls: those mean other things to a table than to JSON."""
        doc = copy.deepcopy(self.random.choice(self.docs))
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            found = list(places(doc["spec"]))
            if found:
                self.change(*self.random.choice(found))
        return doc if "null" not in json.dumps(doc) else self.doc()

    def change(self, container, key):
        dice, value = self.random.random(), container[key]
        if dice < 0.2:
            del container[key]
        elif dice < 0.5:
            container[key] = copy.deepcopy(self.random.choice(self.values[str(key)]))
        elif dice < 0.6 and isinstance(container, list):
            container.insert(self.random.randrange(len(container) + 1), copy.deepcopy(value))
        elif dice < 0.75 and isinstance(container, dict):
            field = self.random.choice(self.fields)
            container[field] = copy.deepcopy(self.random.choice(self.values[field]))
        elif isinstance(value, str):
            container[key] = self.text(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            container[key] = self.random.choice([0, -value, value * 10, value + 1, 65536, -1])

    def text(self, value):
        at = self.random.randrange(len(value) + 1)
        sign = self.random.choice(SIGNS)
        changed = [value[:at] + sign + value[at:], value[:at] + value[at + 1 :], value * 2, "", value.upper()]
        return self.random.choice(changed)


class Worlds:
    """Makes changed files of Istio's analyzer cases: objects that are analyzed together."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        files = [YAML(typ="safe").load_all(path) for path in sorted(ANALYZERS.rglob("*.yaml"))]
        read = [[one for one in docs if isinstance(one, dict) and "metadata" in one] for docs in files]
        # A time without quotes is one in YAML, and a text in JSON.
        self.files = json.loads(json.dumps([docs for docs in read if docs], default=lambda time: time.isoformat()))
        self.values = defaultdict(list)
        for docs in self.files:
            for doc in docs:
                for container, key in places(doc):
                    self.values[str(key), type(container[key])].append(container[key])

    def docs(self):
        """Return the objects of one file with one to four changes that leave each field its type."""
        docs = copy.deepcopy(self.random.choice(self.files))
        for _ in range(self.random.choice([1, 2, 3, 4])):
            self.change(docs)
        return docs

    def change(self, docs):
        dice = self.random.random()
        if dice < 0.1 and len(docs) > 1:
            docs.remove(self.random.choice(docs))
        elif dice < 0.2:
            other = copy.deepcopy(self.random.choice(docs))
            other["metadata"]["name"] += "-other"
            docs.append(other)
        elif dice < 0.25:
            docs.append(copy.deepcopy(self.random.choice(self.random.choice(self.files))))
        else:
            container, key = self.random.choice(
                [place for doc in docs for place in places(doc) if place[1] not in KEPT]
            )
            if dice < 0.4 and key != "name" and isinstance(container, dict):
                del container[key]
            else:
                container[key] = copy.deepcopy(self.random.choice(self.values[str(key), type(container[key])]))
