from __future__ import annotations

from contextlib import suppress

import pytest

from scanners.keytext import KeyText
from scanners.languages.base import Setting
from scanners.languages.java import Java
from scanners.unreadable import UnreadableSourceError
from tests.support.languages import CHECKOUT, SHIPPING, STAGING, findings, lines
from tests.support.marks import expected, short

HEAD = "package shop;\nclass App {\n"

CASES = {
    "requests and their builders": f"""
String read(SsmClient ssm) {{
    ssm.getParameter(GetParameterRequest.builder().name("{CHECKOUT}").build());  //! read {CHECKOUT}
    ssm.getParameter(r -> r.name("{CHECKOUT}").withDecryption(true));  //! read {CHECKOUT}
    ssm.getParameters(GetParametersRequest.builder().names("{CHECKOUT}", "{SHIPPING}").build());  //! read {CHECKOUT}, read {SHIPPING}
    ssm.putParameter(PutParameterRequest.builder().name("{CHECKOUT}").value("x").build());  //! write {CHECKOUT}
    ssm.deleteParameter(new DeleteParameterRequest().withName("{SHIPPING}"));  //! write {SHIPPING}
    return ssm.getParametersByPath(GetParametersByPathRequest.builder().path("/shop/prod/features").build());
}}
""",
    "none": f"""
void none(HttpServletRequest request) {{
    request.getParameter("search");
    log.info("{CHECKOUT}");
    ssm.getParameter(GetParameterRequest.builder().name("{CHECKOUT}-old").build());
    ssm.getParameter(GetParameterRequest.builder().name("new-checkout").build());
    String text = "see {CHECKOUT}";
}}
""",
    "constants, enums and what they are joined to": f"""
static final String PREFIX = "/shop/prod/features";
static final String KEY = "{CHECKOUT}";  //! bind {CHECKOUT}
enum Flag {{
    CHECKOUT("{CHECKOUT}"),  //! bind {CHECKOUT}
    SHIPPING("{SHIPPING}");  //! bind {SHIPPING}
    private final String key;
    Flag(String key) {{ this.key = key; }}
    String getKey() {{ return key; }}
}}
void read(String stage) {{
    ssm.getParameter(r -> r.name(KEY));  //! read {CHECKOUT}
    ssm.getParameter(r -> r.name(App.KEY));  //! read {CHECKOUT}
    ssm.getParameter(r -> r.name(PREFIX + "/free-shipping"));  //! read {SHIPPING}
    ssm.getParameter(r -> r.name(String.format("%s/free-shipping", PREFIX)));  //! read {SHIPPING}
    ssm.getParameter(r -> r.name("/shop/" + stage + "/features/new-checkout"));  //! read? {CHECKOUT}, read? {STAGING}
    ssm.getParameter(r -> r.name(Flag.SHIPPING.getKey()));  //! read {SHIPPING}
    for (String name : List.of("{CHECKOUT}", "{SHIPPING}")) {{  //! bind {CHECKOUT}, bind {SHIPPING}
        ssm.getParameter(r -> r.name(name));  //! read {CHECKOUT}, read {SHIPPING}
    }}
}}
""",
    "wrappers and objects": f"""
boolean on(String name) {{
    GetParameterRequest request = GetParameterRequest.builder().name("/shop/prod/features/" + name).build();
    return "true".equals(ssm.getParameter(request).parameter().value());
}}
boolean checkout() {{ return on("new-checkout"); }}  //! read {CHECKOUT}
void use() {{
    if (on("free-shipping")) {{ go(); }}  //! read {SHIPPING}
    if (checkout()) {{ go(); }}  //! read {CHECKOUT}
    Toggle toggle = new Toggle("{CHECKOUT}");  //! bind {CHECKOUT}
    toggle.isOn();  //! read {CHECKOUT}
}}
static class Toggle {{
    private final String key;
    Toggle(String key) {{ this.key = key; }}
    boolean isOn() {{ return ssm.getParameter(r -> r.name(key)).parameter().value().equals("true"); }}
}}
""",
    "flag clients": """
void read(Client client, LDClient ld) {
    boolean a = client.getBooleanValue("beta-search", false);  //! read beta-search =false
    FlagEvaluationDetails<String> b = client.getStringDetails("beta-search", "off");  //! read beta-search ="off"
    boolean c = ld.boolVariation("old-cart", context, true);  //! read old-cart =true
    boolean d = ld.boolVariation("beta-search", context, true);
}
""",
    "a document that is followed": """
void read() throws Exception {
    var token = data.startConfigurationSession(StartConfigurationSessionRequest.builder()
        .applicationIdentifier("shop").environmentIdentifier("prod").configurationProfileIdentifier("flags").build());
    var latest = data.getLatestConfiguration(GetLatestConfigurationRequest.builder()
        .configurationToken(token.initialConfigurationToken()).build());
    JsonNode flags = mapper.readTree(latest.configuration().asUtf8String());
    if (flags.get("dark-mode").get("enabled").asBoolean()) {}  //! read dark-mode
    flags.at("/search/enabled").asBoolean();  //! read search
    flags.path("dark-mode-v2");
}
""",
    "the agent": """
HttpRequest ask(String flag) {
    URI.create("http://localhost:2772/applications/bank/environments/prod/configurations/flags?flag=dark-mode");
    return URI.create("http://localhost:2772/applications/shop/environments/prod/configurations/flags?flag=dark-mode");  //! read dark-mode
}
""",
    "variables and what is injected": f"""
@Value("${{NEW_TAX:false}}") boolean tax;  //! read NEW_TAX ="false"
@Param(key = "{CHECKOUT}") String checkout;  //! read {CHECKOUT}
boolean on = "1".equals(System.getenv("NEW_TAX"));  //! read NEW_TAX
String value = ParamManager.getSsmProvider().get("{SHIPPING}");  //! read {SHIPPING}
String other = System.getenv("NEW_TAX_2");
@SSMParam(key = "{SHIPPING}") String shipping;  //! read {SHIPPING}
String aged(SSMProvider provider) {{
    provider.withMaxAge(30, SECONDS).get("{CHECKOUT}");  //! read {CHECKOUT}
    return SSMProvider.builder().build().get("{SHIPPING}");  //! read {SHIPPING}
}}
""",
    "other forms of code": f"""
@Override
String pick(boolean prod, String[] names) {{
    String[] all = {{"{CHECKOUT}", "{SHIPPING}"}};  //! bind {CHECKOUT}, bind {SHIPPING}
    String one = prod ? all[0] : (String) names[1];  //! bind {CHECKOUT}, bind {SHIPPING}
    String key;
    key = "{SHIPPING}";  //! bind {SHIPPING}
    Runnable run = () -> {{ ssm.getParameter(r -> r.name("{CHECKOUT}")); }};  //! read {CHECKOUT}
    Supplier<String> load = new Supplier<>() {{
        public String get() {{ return String.join("/", "/shop", "prod"); }}
    }};
    int count = 1_000; double half = 0.5; long big = 5L; int mask = 0xFF;
    Object[] made = new Object[] {{ null, true }};
    names.forEach(this::on);
    return;
}}
""",
    "infrastructure": f"""
void stack() {{
    StringParameter.valueForStringParameter(this, "{CHECKOUT}");  //! read {CHECKOUT}
    StringParameter.Builder.create(this, "Id").parameterName("{SHIPPING}").build();  //! define {SHIPPING}
}}
""",
    "calls that nobody knows": f"""
@FeatureFlag("dark-mode") void a() {{}}  //! read? dark-mode
void b() {{
    other.isFlagOn("dark-mode");  //! read? dark-mode
    load("{CHECKOUT}");  //! read? {CHECKOUT}
    load("dark-mode");
}}
""",
    "comments and text blocks": f"""
/** See {CHECKOUT}. */  //! doc {CHECKOUT}
String doc = \"\"\"
    {{"version": "1", "values": {{
      "dark-mode": {{"enabled": true}}}}}}  //! define dark-mode
    \"\"\";
""",
}


@pytest.mark.parametrize("name", CASES)
def test_finds(name):
    source, wanted = expected(HEAD + CASES[name] + "}\n")
    assert short(lines(findings(Java(), "src/main/java/shop/App.java", source))) == wanted


def test_test_code():
    source = f'class AppTest {{ void t() {{ stub("{CHECKOUT}"); }} }}\n'
    assert lines(findings(Java(), "src/test/java/AppTest.java", source)) == [f"1:33 test {CHECKOUT}"]


def test_variables_set_by_documents():
    settings = {"FLAG": (Setting("FLAG", KeyText.known(CHECKOUT), "t.yaml", 1, 6),)}
    source = 'class A {\n void b() { ssm.getParameter(r -> r.name(System.getenv("FLAG"))); }\n}\n'
    assert lines(findings(Java(), "A.java", source, settings=settings)) == [f"2:56 read {CHECKOUT}"]


def test_unknown_keys_are_said():
    source = "class A {\n void b() { ssm.getParameter(r -> r.name(pick())); }\n}\n"
    assert [one.line for one in findings(Java(), "A.java", source).unresolved] == [2]


HOSTILE = [
    "class A { int x = " + "(" * 50_000,
    "class A { String s = " + '"a" + ' * 20_000 + '"b"; }',
    "class A { void f() { x" + ".a()" * 20_000 + "; } }",
    "class A {" * 20_000,
    "\0",
    "class {",
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_files_end(number):
    with suppress(UnreadableSourceError):
        assert not findings(Java(), "A.java", HOSTILE[number]).references
