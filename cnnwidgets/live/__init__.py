"""When, and in which thread, to run; knows no widget and no tensor.

Who runs where
--------------
==================  ==========================================================================================
main thread         the cells; portions of long work (`Portions`), such as the trace that tells the operations of
                    a network; results of background work (`Background`)
subshell thread     events of widgets in JupyterLab 4.4 and later; elsewhere these come in the main thread
background thread   one piece of work a `Background`, such as t-SNE; it never runs a model and never draws
training thread     `Trainer.start()`; it takes turns with looks (`compute.core.alone`)
script, test        no event loop: all of it at once, in the thread that asks
==================  ==========================================================================================

Who waits for whom
------------------
A drawing in the subshell thread pauses the main thread (`cell_thread.Pause`), so that no cell and no portion runs
beside it. If the main thread is busy with a cell for more than `BUSY` seconds, nobody waits: the newest state is drawn
by the main thread when the cell has ended. A cell that trains answers events between two steps (`kernel.answer`). A
drawing waits for the end of a training step, and a step for the end of a drawing (`compute.core.alone`).

Locks, in the order in which a thread takes them
------------------------------------------------
1. `Newest._lock`: one drawing of a view at a time; re-entrant.
2. `compute.core.alone(model)`: only one thread runs the model; re-entrant, and yields to waiting threads.
3. locks of caches and of the memory pool (`widgets.state`, `compute.core.memory`): held for a few lines, never while a
   model runs or a view draws.

`Pause` has a lock of its own for one flag. `Control` (training) claims a training with one that is never waited for.

Constants of time, in seconds
-----------------------------
`AT_ONCE`, `QUEUED` and `BURST` guess what the browser does, and count only where no page has said what it has painted:
for pictures. Where a page paints, it says so, and drawings follow one another by that (`Newest`, `Way`).

=========================  =====================================================================================
`newest.AT_ONCE`, 0.003    an event so soon after a drawing sat in the queue behind it
`newest.QUEUED`, 0.25      the same, as a share of what that drawing took
`newest.PATIENCE`, 0.010   such an event waits so long for a newer one
`newest.BURST`, 0.020      each further event extends the wait by so much: a frame of the screen takes 0.017
`newest.LATEST`, 3.0, 0.3  the longest wait: three drawings, or 0.3, so that a drag shows pictures on its way
`newest.SILENT`, 1.0       a page that has not said for so long what it has painted is taken to say nothing
`cell_thread.BUSY`, 0.050  how long a drawing waits for the main thread: longer than a `PORTION`, too short to feel
`portions.PORTION`, 0.040  a portion of long work: less than `BUSY`, so that a drawing need not be put off
`portions.LONG`, 0.150     a portion when nobody has moved anything for `QUIET`: large batches are quicker
`portions.QUIET`, 1.0      so long without an event or a cell counts as nobody being there
`portions.PAUSE`, 0.005    between two portions: whoever waits comes first
`portions.LATE`, 0.100     a turn that comes so late had to wait for a cell
`portions.MEASURED`, 5.0   over which the pace, and so the time left, is measured
`portions.APART`, 0.5      portions further apart do not count for the pace: a cell ran between them
`Growing.shown`, 0.25      between two drawings of long work that grows; twice that where a drawing costs a pass
`portions.HOLD`, 0.150     no portion so soon after a drawing that a hand asked for: it may ask for the next
=========================  =====================================================================================
"""

from . import cell_thread
from .background import Background
from .growing import Growing, GrowingWork, Work
from .kernel import answer
from .linked import Linked
from .newest import Newest
from .portions import PORTION, Pace, Portions
from .weak import weakly

__all__ = [
    "PORTION",
    "Background",
    "Growing",
    "GrowingWork",
    "Linked",
    "Newest",
    "Pace",
    "Portions",
    "Work",
    "answer",
    "cell_thread",
    "weakly",
]
