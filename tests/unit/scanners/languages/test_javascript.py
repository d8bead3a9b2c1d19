from __future__ import annotations

from contextlib import suppress

import pytest

from auditor.domain.references import FlagSpec
from auditor.domain.scan_options import Accessor, Returns, ScanOptions
from scanners.keytext import KeyText
from scanners.languages.base import Setting
from scanners.languages.javascript import JavaScript
from scanners.unreadable import UnreadableSourceError
from tests.support.languages import CHECKOUT, SHIPPING, STAGING, findings, lines
from tests.support.marks import expected, short

CASES = {
    "the SDK's commands": f"""
await ssm.send(new GetParameterCommand({{ Name: "{CHECKOUT}" }}));  //! read {CHECKOUT}
await ssm.send(new GetParametersCommand({{
  Names: [
    "{CHECKOUT}",  //! read {CHECKOUT}
    '{SHIPPING}',  //! read {SHIPPING}
  ],
}}));
await ssm.send(new PutParameterCommand({{ Name: "{CHECKOUT}:live", Value: "true" }}));  //! write {CHECKOUT}
await ssm.send(new DeleteParametersCommand({{ Names: ["{SHIPPING}"] }}));  //! write {SHIPPING}
await ssm.send(new GetParametersByPathCommand({{ Path: "/shop/prod/features" }}));
await ssm.getParameter({{ Name: "{CHECKOUT}" }}).promise();  //! read {CHECKOUT}
await ssm.putParameter({{ Name: `{SHIPPING}`, Value: "x" }});  //! write {SHIPPING}
""",
    "longer and shorter keys, other cases, last segments, and other calls are none": f"""
new GetParameterCommand({{ Name: "{CHECKOUT}-old" }});
new GetParameterCommand({{ Name: "new-checkout" }});
new GetParameterCommand({{ Name: "{CHECKOUT.upper()}" }});
console.log("{CHECKOUT}");
track("dark-mode");
element.search("search");
request.getParameter("search");
const text = "see {CHECKOUT} for more";
""",
    "constants, names of names, and what they are joined to": f"""
const PREFIX = "/shop/prod/features";
const KEY = "{CHECKOUT}";  //! bind {CHECKOUT}
const ALIAS = KEY;  //! bind {CHECKOUT}
const Keys = {{
  shipping: "{SHIPPING}",  //! bind {SHIPPING}
}};
class Flags {{ static DARK = "dark-mode" }}  //! bind dark-mode
new GetParameterCommand({{ Name: KEY }});  //! read {CHECKOUT}
new GetParameterCommand({{ Name: ALIAS }});  //! read {CHECKOUT}
new GetParameterCommand({{ Name: `${{PREFIX}}/free-shipping` }});  //! read {SHIPPING}
new GetParameterCommand({{ Name: PREFIX + "/free-shipping" }});  //! read {SHIPPING}
new GetParameterCommand({{ Name: Keys.shipping }});  //! read {SHIPPING}
new GetParameterCommand({{ Name: Keys["shipping"] }});  //! read {SHIPPING}
function inner() {{
  const KEY = "{SHIPPING}";  //! bind {SHIPPING}
  return new GetParameterCommand({{ Name: KEY }});  //! read {SHIPPING}
}}
""",
    "what is only partly known": f"""
new GetParameterCommand({{ Name: `/shop/${{stage}}/features/new-checkout` }});  //! read? {CHECKOUT}, read? {STAGING}
new GetParameterCommand({{ Name: `/shop/prod/features/${{name}}` }});
""",
    "wrappers, in whatever form": f"""
async function on(name, fallback = "x") {{
  const r = await client.send(new GetParameterCommand({{ Name: name }}));
  return r.Parameter?.Value === "true";
}}
const under = (name) => on(`/shop/prod/features/${{name}}`);
class Store {{
  async get(key = "{CHECKOUT}") {{  //! bind {CHECKOUT}
    return ssm.getParameter({{ Name: key }});
  }}
  async both() {{ return this.get("{SHIPPING}") }}  //! read {SHIPPING}
}}
const store = new Store();
await on("{CHECKOUT}");  //! read {CHECKOUT}
await under("free-shipping");  //! read {SHIPPING}
await store.get();  //! read {CHECKOUT}
await store.get("{SHIPPING}");  //! read {SHIPPING}
await store.both();  //! read {SHIPPING}
const fixed = () => on("{CHECKOUT}");  //! read {CHECKOUT}
if (await fixed()) {{ go(); }}  //! read {CHECKOUT}
""",
    "a wrapper that nobody calls here leaves its key to others": """
export const flag = (name) => ssm.getParameter({ Name: `/shop/${stage}/features/${name}` });
""",
    "lists, loops and objects taken apart": f"""
const NAMES = ["{CHECKOUT}", "{SHIPPING}"];  //! bind {CHECKOUT}, bind {SHIPPING}
for (const name of NAMES) {{
  ssm.getParameter({{ Name: name }});  //! read {CHECKOUT}, read {SHIPPING}
}}
NAMES.map((name) => ssm.getParameter({{ Name: name }}));  //! read {CHECKOUT}, read {SHIPPING}
const get = (n) => ssm.getParameter({{ Name: n }});
await Promise.all(["{CHECKOUT}"].map(async (n) => get(n)));  //! read {CHECKOUT}
ssm.getParameters({{ Names: NAMES }});  //! read {CHECKOUT}, read {SHIPPING}
ssm.getParameters({{ Names: Object.values({{ a: "{CHECKOUT}" }}) }});  //! read {CHECKOUT}
const {{ key }} = {{ key: "{CHECKOUT}" }};
ssm.getParameter({{ Name: key }});  //! read {CHECKOUT}
""",
    "enums and literal types": f"""
enum Flag {{
  Checkout = "{CHECKOUT}",  //! bind {CHECKOUT}
}}
type Key = "dark-mode" | "other";  //! bind dark-mode
ssm.getParameter({{ Name: Flag.Checkout }});  //! read {CHECKOUT}
""",
    "OpenFeature": """
import { OpenFeature } from "@openfeature/server-sdk";
const client = OpenFeature.getClient();
if (await client.getBooleanValue("beta-search", false)) {}  //! read beta-search =false
const d = await client.getStringDetails("beta-search", "off", ctx);  //! read beta-search ="off"
const on = useBooleanFlagValue("beta-search", true);  //! read beta-search =true
client.getBooleanValue("old-cart", false);
""",
    "LaunchDarkly": """
ld.variation("old-cart", { key: "u" }, false);  //! read old-cart =false
ldClient.variation("old-cart", true);  //! read old-cart =true
await ld.boolVariationDetail("old-cart", ctx, false);  //! read old-cart =false
const { oldCart, other } = useFlags();  //! read old-cart
const flags = useFlags();
flags.oldCart;  //! read old-cart
ld.variation("beta-search", ctx, false);
""",
    "AppConfig's document is followed": """
const session = await data.send(new StartConfigurationSessionCommand({
  ApplicationIdentifier: "shop", EnvironmentIdentifier: "prod", ConfigurationProfileIdentifier: "flags",
}));
const latest = await data.send(new GetLatestConfigurationCommand({ ConfigurationToken: session.InitialConfigurationToken }));
const config = JSON.parse(Buffer.from(latest.Configuration).toString());
if (config["dark-mode"].enabled) {}  //! read dark-mode
if (config.search?.enabled) {}  //! read search
if ("dark-mode" in config) {}  //! read dark-mode
const { search, other } = config;  //! read search
const on = config["dark-mode"]?.enabled ?? false;  //! read dark-mode =false
""",
    "another application's document is none, an unknown one is possible": """
const a = await appconfig.getConfiguration({ Application: "bank", Environment: "prod", Configuration: "flags" });
JSON.parse(a.Content)["dark-mode"];
const b = await appconfig.getConfiguration({ Application: app, Environment: "prod", Configuration: "flags" });
JSON.parse(b.Content)["dark-mode"];  //! read? dark-mode
""",
    "a document that is kept and asked elsewhere": """
let cached = null;
async function load() {
  const r = await data.send(new GetConfigurationCommand({ Application: "shop", Environment: "prod", Configuration: "flags" }));
  let text = "";
  for (let i = 0; i < r.Content.length; i++) { text += String.fromCharCode(r.Content[i]); }
  cached = Object.assign({}, JSON.parse(text));
}
class Flags {
  constructor(private readonly key: string) {}
  load() {
    return data.getConfiguration({ Application: "shop", Environment: "prod", Configuration: "flags" })
      .then((r) => { this.all = JSON.parse(r.Content); });
  }
  on(name) { return this.all[name].enabled; }
}
export const isOn = (name) => cached[name]?.enabled ?? false;
isOn("dark-mode");  //! read dark-mode =false
isOn("other");
flags.on("search");  //! read search
""",
    "names from a module that is loaded late, and objects built with a key": f"""
const {{ GetParameterCommand }} = await import("@aws-sdk/client-ssm");
const {{ PutParameterCommand }} = require("@aws-sdk/client-ssm");
await ssm.send(new GetParameterCommand({{ Name: "{CHECKOUT}" }}));  //! read {CHECKOUT}
await ssm.send(new PutParameterCommand({{ Name: "{CHECKOUT}" }}));  //! write {CHECKOUT}
class Toggle {{
  constructor(private name: string, public other = 1) {{}}
  async on() {{ return (await ssm.getParameter({{ Name: this.name }})).Parameter.Value === "true"; }}
}}
const shipping = new Toggle("{SHIPPING}");  //! bind {SHIPPING}
const checkout = new Toggle("{CHECKOUT}");  //! bind {CHECKOUT}
if (await shipping.on()) {{}}  //! read {SHIPPING}
""",
    "the agent": """
await fetch("http://localhost:2772/applications/shop/environments/prod/configurations/flags?flag=dark-mode");  //! read dark-mode
const r = await fetch(`http://localhost:2772/applications/shop/environments/prod/configurations/flags`);
const flags = await r.json();
flags["search"];  //! read search
const flag = (k) => fetch(`http://localhost:2772/applications/shop/environments/prod/configurations/flags?flag=${k}`);
await flag("dark-mode");  //! read dark-mode
""",
    "environment variables": f"""
if (process.env.NEW_TAX === "1") {{}}  //! read NEW_TAX
const on = process.env["NEW_TAX"] || "0";  //! read NEW_TAX ="0"
const {{ NEW_TAX }} = process.env;  //! read NEW_TAX
const key = process.env.FLAG_KEY ?? "{CHECKOUT}";  //! bind {CHECKOUT}
ssm.getParameter({{ Name: key }});  //! read {CHECKOUT}
process.env.NEW_TAX = "1";  //! write NEW_TAX
process.env.NEW_TAX_2;
""",
    "Powertools": f"""
import {{ getParameter }} from "@aws-lambda-powertools/parameters/ssm";
import {{ getAppConfig }} from "@aws-lambda-powertools/parameters/appconfig";
import {{ getParameter as other }} from "./mine";
await getParameter("{CHECKOUT}");  //! read {CHECKOUT}
const config = await getAppConfig("flags", {{ application: "shop", environment: "prod", transform: "json" }});
config["dark-mode"];  //! read dark-mode
""",
    "items": """
await db.send(new GetItemCommand({ TableName: "flags", Key: { pk: { S: "gift-wrap" } } }));  //! read gift-wrap
await doc.send(new PutCommand({ TableName: "flags", Item: { pk: "gift-wrap", on: true } }));  //! write gift-wrap
await db.send(new PutItemCommand({ TableName: "flags", Item: { pk: { S: "gift-wrap-2" } } }));
""",
    "infrastructure": f"""
new ssm.StringParameter(this, "Flag", {{
  parameterName: "{CHECKOUT}",  //! define {CHECKOUT}
  stringValue: "true",
}});
new iam.PolicyStatement({{
  actions: ["ssm:GetParameter"],
  resources: [`arn:aws:ssm:${{region}}:*:parameter{CHECKOUT}`, "*"],  //! define {CHECKOUT}
}});
ssm.StringParameter.valueForStringParameter(this, "{SHIPPING}");  //! read {SHIPPING}
ssm.StringParameter.fromStringParameterName(this, "Id", "{SHIPPING}");  //! read {SHIPPING}
new appconfig.CfnHostedConfigurationVersion(this, "V", {{
  content: JSON.stringify({{
    version: "1",
    flags: {{ "dark-mode": {{ name: "Dark" }} }},  //! define dark-mode
  }}),
}});
""",
    "a document that is written": """
await client.send(new CreateHostedConfigurationVersionCommand({
  ApplicationId: "a",
  Content: JSON.stringify({
    version: "1",
    values: { "dark-mode": { enabled: true } },  //! write dark-mode
  }),
}));
""",
    "calls that nobody knows": f"""
import {{ isEnabled }} from "./flags";
isEnabled("dark-mode");  //! read? dark-mode
isFeatureEnabled("dark-mode");  //! read? dark-mode
theme.variation("old-cart");  //! read? old-cart
load("{CHECKOUT}");  //! read? {CHECKOUT}
load("dark-mode");
feature("search");  //! read? search
<Feature name="dark-mode">x</Feature>;  //! read? dark-mode
<div className="dark-mode" />;
if (features["dark-mode"] || "dark-mode" in props.flags) {{}}  //! read? dark-mode
if (styles["dark-mode"]) {{}}
""",
    "other forms of code": f"""
import middy from "@middy/core";
import ssm, {{ setFetchData as other }} from "@middy/ssm";
export const handler = middy(run).use(ssm({{ fetchData: {{ on: "{CHECKOUT}" }} }}));  //! read {CHECKOUT}
export default {{ "{SHIPPING}": true, ...rest, [KEY]: 1, go() {{ return 0x10; }} }};  //! bind {SHIPPING}
let key;
key ||= "{CHECKOUT}";  //! bind {CHECKOUT}
const {{ a: {{ b = "x" }} = {{}}, ...more }} = thing;
class A {{ #k = "{CHECKOUT}"; static s = () => 1; m() {{ return this.#k; }} }}  //! bind {CHECKOUT}
const parts = ["", "shop", "prod", "features", "free-shipping"];
ssm.getParameter({{ Name: parts.join("/") }});  //! read {SHIPPING}
ssm.getParameter({{ Name: path.join("/shop/prod/features", "free-shipping") }});  //! read {SHIPPING}
sql`select ${{key}}`;
const old = (await getJson(ld.allFlagsState(user)))["old-cart"];  //! read old-cart
process.env["NEW_TAX"] = "1";  //! write NEW_TAX
delete process.env.NEW_TAX;  //! write NEW_TAX
""",
    "comments": f"""
// {CHECKOUT}: the new one  //! doc {CHECKOUT}
/* search, and `search` */  //! doc search
""",
}


@pytest.mark.parametrize("name", CASES)
def test_finds(name):
    source, wanted = expected(CASES[name])
    assert short(lines(findings(JavaScript(), "src/app.tsx", source))) == wanted


def test_documents_in_texts():
    source = 'const doc = `{\n "version": "1",\n "values": {"dark-mode": {"enabled": true}}\n}`;\n'
    assert lines(findings(JavaScript(), "a.ts", source)) == ["3:13 define dark-mode"]


def test_places():
    source = f'const é = "ü"; on("/x"); const KEY = "{CHECKOUT}";\nssm.getParameter({{ Name: Keys.A || KEY }});\n'
    assert lines(findings(JavaScript(), "a.js", source)) == [f"1:38 bind {CHECKOUT}", f"2:36 read {CHECKOUT}"]


def test_test_code():
    source = f'it("works", () => {{ mock("{CHECKOUT}"); expect(x).toBe("search"); }});\n'
    wanted = [f"1:26 test {CHECKOUT}", "1:78 test search"]
    for path in ("src/a.test.ts", "src/__tests__/a.js", "test/a.mjs", "src/a.spec.jsx"):
        assert lines(findings(JavaScript(), path, source)) == wanted


def test_variables_set_by_documents():
    settings = {"FLAG": (Setting("FLAG", KeyText.known(CHECKOUT), ".env", 1, 6),)}
    source = "const key = process.env.FLAG;\nssm.getParameter({ Name: key });\nssm.getParameter({ Name: process.env.NONE });\n"
    found = findings(JavaScript(), "a.js", source, settings=settings)
    assert lines(found) == [f"1:25 read {CHECKOUT}", f"2:26 read {CHECKOUT}"]


def test_configured_readers():
    accessors = (Accessor(callable="flags.client.isOn", key=(0,), default=(1,)),)
    source = 'import { isOn } from "./flags/client";\nisOn("dark-mode", false);\nisOn("x-dark-mode");\nother.isOn("search");\n'
    found = findings(JavaScript(), "a.js", source, options=ScanOptions(accessors=accessors))
    assert lines(found) == ["2:6 read dark-mode = false", "4:12 possible read search"]


def test_a_configured_document():
    accessors = (Accessor(callable="app.load", returns=Returns.DOCUMENT, provider="appconfig", application="shop",
                          environment="prod", profile="flags"),)  # fmt: skip
    source = 'const c = await load();\nif (c["dark-mode"].enabled) {}\n'
    found = findings(JavaScript(), "a.js", source, options=ScanOptions(accessors=accessors))
    assert lines(found) == ["2:7 read dark-mode"]


def test_unknown_keys_are_said():
    source = "ssm.getParameter({ Name: pick() });\nconst f = (n) => ssm.getParameter({ Name: n });\nssm.getParameter({ Name: `/x/${y}/none` });\n"
    found = findings(JavaScript(), "a.js", source)
    assert sorted(one.line for one in found.unresolved) == [1, 2, 3]


def test_syntax_that_the_grammar_lacks():
    source = f'vi.mock("x", async (o) => ({{ ...(await o<typeof import("x")>()) }}));\nconst KEY = "{CHECKOUT}";\n'
    assert lines(findings(JavaScript(), "a.ts", source)) == [f"2:13 bind {CHECKOUT}"]


def test_deep_calls_of_deep_code():
    deep = "[" * 40 + "{call}" + "]" * 40
    source = "".join(f"function f{n}(x) {{ return {deep.format(call=f'f{n + 1}(x)')}; }}\n" for n in range(6))
    source += f'function f6(x) {{ return ssm.getParameter({{ Name: x }}); }}\nf0(p);\nf6("{CHECKOUT}");\n'
    assert lines(findings(JavaScript(), "a.js", source)) == [f"9:4 read {CHECKOUT}"]


def test_a_component():
    source = f'<template><p>{CHECKOUT}</p></template>\n<script setup lang="ts">\nconst KEY: string = "{CHECKOUT}"\n</script>\n'
    wanted = [f"1:14 possible doc {CHECKOUT}", f"3:21 bind {CHECKOUT}"]
    assert lines(findings(JavaScript(), "a.vue", source)) == wanted
    source = "<template><p v-if=\"isOn('dark-mode')\">x</p></template>\n"
    assert lines(findings(JavaScript(), "a.vue", source)) == ["1:25 possible read dark-mode"]


def test_generic_flags_are_read_by_any_client():
    flags = [FlagSpec("a-b", "generic")]
    source = 'unleash.isEnabled("a-b");\nld.variation("a-b", c, 1);\nflags.getBooleanValue("a-b", true);\n'
    assert lines(findings(JavaScript(), "a.js", source, flags)) == [
        "1:19 possible read a-b",
        "2:14 read a-b = 1",
        "3:23 read a-b = true",
    ]


HOSTILE = [
    "(" * 50_000,
    "[" * 50_000 + "]" * 50_000,
    "a" + ".b()" * 20_000,
    "x = " + "1 + " * 20_000 + "1;",
    "`${" * 20_000,
    "const a = b; const b = a; f(a); function f(x) { f(x); g(x) } function g(x) { f(x); g(x); f(x) } f('/a');",
    "if (" * 10_000,
    "\0\0\0",
    "const x = ;",
    '"' + "x" * (3 << 20) + '"',
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_files_end(number):
    with suppress(UnreadableSourceError):
        assert not findings(JavaScript(), "a.js", HOSTILE[number]).references


def test_what_cannot_be_parsed_is_said():
    with pytest.raises(UnreadableSourceError, match="line 2"):
        findings(JavaScript(), "a.js", "x();\nconst = 1;\n")
