# SPDX-License-Identifier: BSD-3-Clause
"""The daemon accepts exactly the parameters that rpc.discover describes, according to an
independent validator."""
import copy

from lab.capture import capture_config
from lab.daemon import Refused
from lab.expect import Skip, expect, expect_equal, test

try:
    import jsonschema
except ImportError:
    jsonschema = None

LABEL = {"app": "web"}
NETWORK = {"name": "n", "vni": 7}
ENDPOINT = {"name": "e", "network": "blue", "node": "b", "mac": "02:00:00:00:00:77", "addresses": ["10.7.0.7"]}
POLICY = {"name": "p", "network": "blue", "direction": "ingress", "action": "deny", "subject": {"labels": LABEL}}
IDENTITY = {"id": 300, "labels": {"x": "y"}}
NODE = {"name": "m", "address": "192.0.2.77"}

NAMES = ["a", "web/db", "k8s.io/ns/pod-0", "a" * 253, "n" * 63 + "/" + "a" * 253, "a" * 254, "n" * 64 + "/" + "a" * 253,
         "", "/a", "a/", "a//b", "-a", "a b", "ä", 7, None]
LABELS = [{}, {"a": ""}, {"app.kubernetes.io/name": "web"}, {"p" * 253 + "/" + "k" * 63: "v" * 63}, {"k" * 64: "v"},
          {"p" * 254 + "/k": "v"}, {"k": "v" * 64}, {"k/": "v"}, {"-k": "v"}, {"": "v"}, {"k": 1}, {"k": "a b"}, [], "a=b",
          {str(i): "v" for i in range(33)}]
PEERS = [[], [{}], [{"labels": {}}], [{"labels": LABEL}], [{"cidr": "10.0.0.0/8"}], [{"entity": "any"}],
         [{"entity": "world"}], [{"entity": "host"}], [{"entity": "gateway"}], [{"labels": LABEL, "cidr": "10.0.0.0/8"}],
         [{"except": ["10.0.0.0/16"]}], [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}], [{"cidr": "10.0.0.0/8", "x": 1}],
         {}, None, [None], [{"entity": "any"}] * 4097]
PORTS = [[], [{}], [{"protocol": "tcp"}], [{"protocol": "tcp", "port": 0}], [{"protocol": "tcp", "port": 65535}],
         [{"protocol": "tcp", "port": 65536}], [{"protocol": "tcp", "end_port": 9}],
         [{"protocol": "tcp", "port": 8, "end_port": 9}], [{"protocol": "gre"}], [{"protocol": "tcp", "port": "80"}]]
MISSING = object()

# (method, right parameters, field, values)
MATRIX = [
    ("networks", NETWORK, "name", NAMES + [MISSING]),
    ("networks", NETWORK, "vni", [0, 1, 16777215, 16777216, -1, 1.5, "7", None, MISSING, 7.0]),
    ("networks", NETWORK, "encap", ["vxlan", "ipip", "", None, MISSING]),
    ("networks", NETWORK, "policy_default", [{}, {"ingress": "allow"}, {"ingress": "pass"}, {"in": "allow"}, []]),
    ("networks", NETWORK, "matched", [1]),
    ("endpoints", ENDPOINT, "name", NAMES[:12]),
    ("endpoints", ENDPOINT, "node", [MISSING, "", None]),
    ("endpoints", ENDPOINT, "port", ["web", None, ""]),
    ("endpoints", ENDPOINT, "addresses", [[], ["10.7.0.7", "10.7.0.7"], ["10.7.0.8"], "10.7.0.8", MISSING]),
    ("endpoints", ENDPOINT, "labels", LABELS),
    ("endpoints", ENDPOINT, "identity", [300]),
    ("policies", POLICY, "network", NAMES[:2] + ["*", ["blue"], [], ["*"], ["blue", "blue"], MISSING, None]),
    ("policies", POLICY, "subject", [{}, MISSING] + [{"labels": v} for v in LABELS]),
    ("policies", POLICY, "peers", PEERS + [MISSING]),
    ("policies", POLICY, "ports", PORTS + [MISSING]),
    ("policies", POLICY, "priority", [0, 65535, 65536, -1, "1", None]),
    ("policies", POLICY, "tier", ["admin", "top", None, MISSING]),
    ("policies", POLICY, "action", ["allow", "deny", "pass", "drop", MISSING]),
    ("policies", POLICY, "matched", [1]),
    ("identities", IDENTITY, "id", [255, 256, 65535, 65536, "300", MISSING]),
    ("identities", IDENTITY, "labels", LABELS + [MISSING]),
    ("nodes", NODE, "mtu", [0, 67, 626, 65535, 65536, None]),
    ("nodes", NODE, "zone", NAMES[:9]),
]
# Rules that a schema cannot express: they depend on other objects, or on arithmetic.
RULES = {"exists", "reference", "not_found", "limit"}


def validator(method):
    """Of all parameters together, as of one object. What answers have as readOnly may be sent back, whatever it is."""
    reported = {name: {} for name, s in method["result"]["schema"]["properties"].items() if s.get("readOnly")}
    schema = {"type": "object", "additionalProperties": False,
              "properties": {**reported, **{p["name"]: p["schema"] for p in method["params"]}},
              "required": [p["name"] for p in method["params"] if p["required"]], **method.get("x-params", {})}
    return jsonschema.Draft202012Validator(schema) if hasattr(jsonschema, "Draft202012Validator") else \
        jsonschema.Draft7Validator(without_2020(schema))


def without_2020(schema):
    """dependentRequired is called dependencies in draft 7."""
    if isinstance(schema, list):
        return [without_2020(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    return {"dependencies" if k == "dependentRequired" else k: without_2020(v) for k, v in schema.items()}


def take(d, collection, params):
    """'' when the daemon takes it, and it is removed again; else the error's name."""
    try:
        d.call(f"{collection}.add", params)
    except Refused as e:
        return e.error["data"]["name"]
    d.call(f"{collection}.del", {"id": params["id"]} if collection == "identities" else {"name": params["name"]})
    return ""


@test
def the_daemon_takes_what_its_description_allows_and_nothing_else(lab):
    if jsonschema is None:
        raise Skip("python3-jsonschema is not installed")
    d = lab.daemon("a", capture_config("net_null0,no-rx=1", "net_null1,no-rx=1")).start()
    methods = {m["name"]: m for m in d.call("rpc.discover")["methods"]}
    wrong, n = [], 0
    for collection, right, field, values in MATRIX:
        check = validator(methods[f"{collection}.add"])
        expect_equal(take(d, collection, right), "", f"the right {collection}")
        for value in values:
            params = copy.deepcopy(right)
            params.pop(field, None)
            if value is not MISSING:
                params[field] = value
            valid, error = check.is_valid(params), take(d, collection, params)
            n += 1
            if valid != (error == "") and error not in RULES:
                wrong.append(f"{collection}.{field} = {str(value)[:60]!r}: described as {valid}, daemon says {error!r}")
    expect(n > 150, f"only {n} values")
    expect(not wrong, "\n".join(wrong))
