"""The languages the scanner knows: one file and one line here each; the first that takes a file has it."""

from __future__ import annotations

from scanners.languages.base import Language
from scanners.languages.documents import Documents
from scanners.languages.dotenv import Dotenv
from scanners.languages.go import Go
from scanners.languages.java import Java
from scanners.languages.javascript import JavaScript
from scanners.languages.notebook import Notebook
from scanners.languages.prose import Prose
from scanners.languages.shell import Shell
from scanners.languages.terraform import Terraform
from scanners.languages.webpage import WebPage

LANGUAGES: tuple[Language, ...] = (
    Shell(),
    Terraform(),
    Dotenv(),
    Documents(),
    JavaScript(),
    Java(),
    Go(),
    Notebook(),
    WebPage(),
    Prose(),
)
