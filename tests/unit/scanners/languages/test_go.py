from __future__ import annotations

from contextlib import suppress

import pytest

from scanners.keytext import KeyText
from scanners.languages.base import Setting
from scanners.languages.go import Go
from scanners.unreadable import UnreadableSourceError
from tests.support.languages import CHECKOUT, SHIPPING, STAGING, findings, lines
from tests.support.marks import expected, short

HEAD = """package shop

import (
	"fmt"
	"os"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)
"""

CASES = {
    "inputs": f"""
func read(ctx context.Context, c *ssm.Client) {{
	c.GetParameter(ctx, &ssm.GetParameterInput{{Name: aws.String("{CHECKOUT}")}})  //! read {CHECKOUT}
	c.GetParameters(ctx, &ssm.GetParametersInput{{
		Names: []string{{
			"{CHECKOUT}",  //! read {CHECKOUT}
			`{SHIPPING}`,  //! read {SHIPPING}
		}},
	}})
	c.PutParameter(ctx, &ssm.PutParameterInput{{
		Name:  aws.String("{CHECKOUT}"),  //! write {CHECKOUT}
		Value: aws.String("true"),
	}})
	c.DeleteParameter(ctx, &ssm.DeleteParameterInput{{Name: aws.String("{SHIPPING}")}})  //! write {SHIPPING}
	c.GetParametersByPath(ctx, &ssm.GetParametersByPathInput{{Path: aws.String("/shop/prod/features")}})
}}
""",
    "none": f"""
func none() {{
	fmt.Println("{CHECKOUT}")
	log.Printf("see %s", "{CHECKOUT}")
	c.GetParameter(ctx, &ssm.GetParameterInput{{Name: aws.String("{CHECKOUT}-old")}})
	c.GetParameter(ctx, &ssm.GetParameterInput{{Name: aws.String("new-checkout")}})
	x := other.Input{{Name: "search"}}
}}
""",
    "constants and what they are joined to": f"""
const prefix = "/shop/prod/features"
const (
	Checkout = "{CHECKOUT}"  //! bind {CHECKOUT}
	Shipping = prefix + "/free-shipping"  //! bind {SHIPPING}
)
func read(stage string) {{
	c.GetParameter(ctx, &ssm.GetParameterInput{{Name: aws.String(Checkout)}})  //! read {CHECKOUT}
	c.GetParameter(ctx, &ssm.GetParameterInput{{Name: aws.String(Shipping)}})  //! read {SHIPPING}
	name := fmt.Sprintf("%s/free-shipping", prefix)  //! bind {SHIPPING}
	c.GetParameter(ctx, &ssm.GetParameterInput{{Name: &name}})  //! read {SHIPPING}
	c.GetParameter(ctx, &ssm.GetParameterInput{{Name: aws.String("/shop/" + stage + "/features/new-checkout")}})  //! read? {CHECKOUT}, read? {STAGING}
	for _, key := range []string{{"{CHECKOUT}"}} {{  //! bind {CHECKOUT}
		c.GetParameter(ctx, &ssm.GetParameterInput{{Name: aws.String(key)}})  //! read {CHECKOUT}
	}}
}}
""",
    "wrappers and methods": f"""
type Store struct {{ c *ssm.Client }}
func (s *Store) on(ctx context.Context, name string) bool {{
	out, err := s.c.GetParameter(ctx, &ssm.GetParameterInput{{Name: aws.String("/shop/prod/features/" + name)}})
	if err != nil {{ return false }}
	return *out.Parameter.Value == "true"
}}
func (s *Store) checkout(ctx context.Context) bool {{ return s.on(ctx, "new-checkout") }}  //! read {CHECKOUT}
func use(s *Store) {{
	if s.on(ctx, "free-shipping") {{ run() }}  //! read {SHIPPING}
	if s.checkout(ctx) {{ run() }}  //! read {CHECKOUT}
}}
""",
    "flag clients": """
func read() {
	a, err := client.BooleanValue(ctx, "beta-search", false, target)  //! read beta-search =false
	b, _ := ld.BoolVariation("old-cart", user, true)  //! read old-cart =true
	c, _ := ld.BoolVariation("beta-search", user, true)
}
""",
    "a document that is followed": """
func read() {
	session, _ := data.StartConfigurationSession(ctx, &appconfigdata.StartConfigurationSessionInput{
		ApplicationIdentifier: aws.String("shop"),
		EnvironmentIdentifier: aws.String("prod"),
		ConfigurationProfileIdentifier: aws.String("flags"),
	})
	out, err := data.GetLatestConfiguration(ctx, &appconfigdata.GetLatestConfigurationInput{
		ConfigurationToken: session.InitialConfigurationToken,
	})
	var flags map[string]Flag
	if err := json.Unmarshal(out.Configuration, &flags); err != nil { return }
	if flags["dark-mode"].Enabled { run() }  //! read dark-mode
	if f, ok := flags["search"]; ok && f.Enabled { run() }  //! read search
	flags["other"]
}
""",
    "a document as a struct": """
type Flags struct {
	DarkMode Flag `json:"dark-mode"`  //! define? dark-mode
	Other    Flag `json:"other,omitempty"`
}
func read() {
	out, _ := data.GetLatestConfiguration(ctx, &appconfigdata.GetLatestConfigurationInput{ConfigurationToken: token})
	var flags Flags
	json.Unmarshal(out.Configuration, &flags)
	if flags.DarkMode.Enabled { run() }  //! read? dark-mode
}
""",
    "variables": """
func read() {
	if os.Getenv("NEW_TAX") == "1" { run() }  //! read NEW_TAX
	if v, ok := os.LookupEnv("NEW_TAX"); ok { run() }  //! read NEW_TAX
	os.Setenv("NEW_TAX", "1")  //! write NEW_TAX
	os.Getenv("NEW_TAX_2")
}
""",
    "items": """
func read() {
	db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String("flags"),
		Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "gift-wrap"}},  //! read gift-wrap
	})
}
""",
    "the agent": """
func read() {
	http.Get("http://localhost:2772/applications/shop/environments/prod/configurations/flags?flag=dark-mode")  //! read dark-mode
	http.Get(fmt.Sprintf("http://localhost:2772/applications/%s/environments/prod/configurations/flags?flag=search", app))  //! read? search
}
""",
    "calls that nobody knows": f"""
func read() {{
	flags.IsEnabled("dark-mode")  //! read? dark-mode
	load("{CHECKOUT}")  //! read? {CHECKOUT}
	load("dark-mode")
}}
""",
    "comments": f"""
// {CHECKOUT} is for everybody  //! doc {CHECKOUT}
""",
}


@pytest.mark.parametrize("name", CASES)
def test_finds(name):
    source, wanted = expected(HEAD + CASES[name])
    assert short(lines(findings(Go(), "internal/flags.go", source))) == wanted


def test_test_code():
    source = f'package a\n\nfunc TestA(t *testing.T) {{\n\tstub("{CHECKOUT}")\n\tt.Setenv("NEW_TAX", "1")\n}}\n'
    assert lines(findings(Go(), "a_test.go", source)) == [f"4:7 test {CHECKOUT}", "5:11 test NEW_TAX"]


def test_variables_set_by_documents():
    settings = {"FLAG": (Setting("FLAG", KeyText.known(CHECKOUT), "t.yaml", 1, 6),)}
    source = HEAD + 'func f() {\n\tc.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(os.Getenv("FLAG"))})\n}'
    assert lines(findings(Go(), "a.go", source, settings=settings)) == [f"10:72 read {CHECKOUT}"]


def test_unknown_keys_are_said():
    source = HEAD + "func f(n string) {\n\tc.GetParameter(ctx, &ssm.GetParameterInput{Name: &n})\n}\n"
    assert [one.line for one in findings(Go(), "a.go", source).unresolved] == [10]


HOSTILE = [
    "package a\nvar x = " + "(" * 50_000,
    "package a\nvar x = " + "1 + " * 20_000 + "1\n",
    "package a\nfunc f() {" + "{" * 20_000,
    "package a\nvar x = a" + ".b" * 20_000 + "\n",
    "\0",
    "func",
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_files_end(number):
    with suppress(UnreadableSourceError):
        assert not findings(Go(), "a.go", HOSTILE[number]).references
