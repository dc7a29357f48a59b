// A person's corrections of a part: another class, another box, a defect that was missed, one that is none.
export class Corrector {
  constructor(data, viewer, show) {
    this.viewer = viewer;
    this.labels = data.labels;
    this.marks = data.defects.map((defect, position) => ({ ...defect, defect: position, removed: false }));
    this.drawn = [];
    this.chosen = 0;
    this.touched = false;
    this.drawing = "";
    const classes = document.getElementById("classes");
    for (const [label, word] of Object.entries(this.labels)) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button";
      button.dataset.label = label;
      button.textContent = word;
      button.addEventListener("click", () => this.change({ label }));
      classes.append(button);
    }
    document.getElementById("mark-redraw").addEventListener("click", () => this.start("redraw"));
    document.getElementById("mark-add").addEventListener("click", () => this.start("add"));
    document.getElementById("mark-remove").addEventListener("click", () => this.change({ removed: true }));
    this.tell = (text) => {
      const told = document.getElementById("told");
      told.textContent = text;
      told.hidden = !text;
    };
    this.show = show;
  }

  /** What is posted: every defect as the person sees it; nothing where nothing was corrected. */
  given() {
    if (!this.touched) return [];
    return this.marks
      .filter((mark) => !mark.removed)
      .map(({ label, x, y, width, height, defect }) => ({ label, x, y, width, height, defect: defect ?? null }));
  }

  choose(position) {
    this.chosen = position;
    this.draw();
  }

  change(what) {
    const mark = this.marks[this.chosen];
    if (!mark) return;
    Object.assign(mark, what);
    if (!what.removed) mark.removed = false;
    this.touched = true;
    mark.person = true;
    this.draw();
  }

  /** Show every mark over the picture. */
  draw() {
    const viewer = this.viewer();
    for (const button of document.querySelectorAll("#classes [data-label]")) {
      button.setAttribute("aria-pressed", String(this.marks[this.chosen]?.label === button.dataset.label));
    }
    if (!viewer?.world.getItemCount()) return;
    for (const element of this.drawn) viewer.removeOverlay(element);
    this.drawn = [];
    this.marks.forEach((mark, position) => {
      if (mark.removed) return;
      const element = document.createElement("div");
      element.className = `mark${mark.sure === false ? " doubtful" : ""}${mark.person ? " person" : ""}${position === this.chosen ? " chosen" : ""}`;
      this.drawn.push(element);
      viewer.addOverlay({
        element,
        location: viewer.viewport.imageToViewportRectangle(mark.x, mark.y, mark.width, mark.height),
      });
    });
  }

  /** The next drag over the picture is a box. */
  start(kind) {
    const viewer = this.viewer();
    if (!viewer) return;
    this.tell(document.getElementById("item").dataset.redraw);
    viewer.setMouseNavEnabled(false);
    const at = (event) => viewer.viewport.viewerElementToImageCoordinates(event.position);
    let from = null;
    const tracker = new OpenSeadragon.MouseTracker({
      element: viewer.canvas,
      pressHandler: (event) => {
        from = at(event);
      },
      dragHandler: () => {},
      releaseHandler: (event) => {
        const to = at(event);
        tracker.destroy();
        viewer.setMouseNavEnabled(true);
        this.tell("");
        if (!from || Math.abs(to.x - from.x) < 2 || Math.abs(to.y - from.y) < 2) return;
        const box = {
          x: Math.round(Math.min(from.x, to.x)),
          y: Math.round(Math.min(from.y, to.y)),
          width: Math.round(Math.abs(to.x - from.x)),
          height: Math.round(Math.abs(to.y - from.y)),
        };
        if (kind === "add") {
          this.marks.push({ label: this.marks[this.chosen]?.label ?? Object.keys(this.labels)[0], defect: null });
          this.chosen = this.marks.length - 1;
        }
        this.change(box);
      },
    });
  }
}
