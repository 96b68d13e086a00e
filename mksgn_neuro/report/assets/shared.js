"use strict";
// What the scripts of a page share: data, colours, theme, canvases, how a skeleton is drawn.
const report = (() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const colour = (share) => data.palette[Math.round(Math.min(Math.max(share, 0), 1) * (data.palette.length - 1))];
  const onTheme = [];

  // A custom property as the browser resolves it in the present theme.
  const themed = (name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  document.getElementById("theme").addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    document.documentElement.style.colorScheme = next;
    onTheme.forEach((redraw) => redraw());
  });
  dark.addEventListener("change", () => onTheme.forEach((redraw) => redraw()));

  // A canvas as sharp as the screen, cleared: [context, width, height].
  const sharp = (canvas) => {
    const [width, height, ratio] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio || 1];
    [canvas.width, canvas.height] = [width * ratio, height * ratio];
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.clearRect(0, 0, width, height);
    return [context, width, height];
  };

  // Limbs and joints at `points` ([x, y], null where absent); `glow` and `fill` give a joint's share and colour.
  const drawBody = (context, points, glow, fill) => {
    context.strokeStyle = themed("soft");
    context.lineWidth = 2;
    data.parents.forEach((parent, v) => {
      if (parent < 0 || !points[v] || !points[parent]) return;
      context.beginPath();
      context.moveTo(...points[v]);
      context.lineTo(...points[parent]);
      context.stroke();
    });
    points.forEach((p, v) => {
      if (!p) return;
      context.beginPath();
      context.arc(...p, 4 + 8 * glow(v), 0, 2 * Math.PI);
      context.fillStyle = fill(v);
      context.fill();
      context.lineWidth = 1;
      context.stroke();
    });
  };

  // Dragging over `canvas` sets `state.turn`, radians, and draws anew.
  const turnable = (canvas, state, redraw) => {
    let grabbed = null;
    canvas.addEventListener("pointerdown", (event) => {
      grabbed = event.clientX - state.turn * 120;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (grabbed === null) return;
      state.turn = (event.clientX - grabbed) / 120;
      redraw();
    });
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => (grabbed = null));
  };

  // Where a chart or table is wider than its box, its box says so.
  const mark = () =>
    document.querySelectorAll(".chart, .wide").forEach((box) =>
      box.classList.toggle("more", box.scrollWidth > box.clientWidth + 1)
    );
  addEventListener("resize", mark);
  document.addEventListener("toggle", mark, true);
  mark();

  return { data, bytes, colour, themed, onTheme, sharp, drawBody, turnable };
})();
