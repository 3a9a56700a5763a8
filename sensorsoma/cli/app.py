"""The list of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from sensorsoma import __version__
from sensorsoma.cli import analyze, coach, demo, doctor, plan, record, replay, review, scan, setup, simulate

app = typer.Typer(
    name="sensorsoma",
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


for module, verb in (
    (demo, demo.demo),
    (scan, scan.scan),
    (setup, setup.setup),
    (doctor, doctor.doctor),
    (coach, coach.coach),
    (record, record.record),
    (replay, replay.replay),
    (analyze, analyze.analyze),
    (review, review.review),
    (simulate, simulate.simulate),
):
    app.command(name=verb.__name__, epilog=module.EXAMPLE)(verb)
app.add_typer(plan.app, name="plan")
