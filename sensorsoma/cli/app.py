"""The list of commands."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sensorsoma import __version__
from sensorsoma.cli import EXIT_INTERRUPTED
from sensorsoma.cli.analyze import analyze
from sensorsoma.cli.coach import coach
from sensorsoma.cli.demo import demo
from sensorsoma.cli.doctor import doctor
from sensorsoma.cli.import_ import import_
from sensorsoma.cli.people import app as people_app
from sensorsoma.cli.plan import app as plan_app
from sensorsoma.cli.record import record
from sensorsoma.cli.repair import repair
from sensorsoma.cli.replay import replay
from sensorsoma.cli.review import review
from sensorsoma.cli.scan import scan
from sensorsoma.cli.setup import setup
from sensorsoma.cli.simulate import simulate
from sensorsoma.cli.voice import app as voice_app


class _Calm(TyperGroup):
    """Ctrl-C at a question ends quietly, as everywhere else, instead of with "Aborted!"."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override] # typer's own name for it
        try:
            return super().invoke(ctx)
        except typer.Abort:
            print("\nStopped.", file=sys.stderr)
            raise typer.Exit(EXIT_INTERRUPTED) from None


app = typer.Typer(
    name="sensorsoma",
    cls=_Calm,
    help=(
        "A gentle bed practice for low back and hips, coached, counted, measured and recorded with a motion sensor on "
        "the thigh. No hardware yet? Try: sensorsoma demo\n\n"
        "It measures and reflects a movement practice; it is not a medical device and gives no diagnosis or treatment."
    ),
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"sensorsoma {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None: ...


for verb in (demo, scan, setup, doctor, coach, record, replay, analyze, review, repair, simulate):
    app.command()(verb)
app.command("import")(import_)
app.add_typer(plan_app, name="plan")
app.add_typer(voice_app, name="voice")
app.add_typer(people_app, name="people", short_help="Who practises here, and what is remembered of each.")
