"use strict";
// The attention maps.
(() => {
  const { data, bytes, colour } = report;
  const { actions, layers, of, first } = data.attention;
  const select = document.getElementById("attention-layer");
  const maps = document.getElementById("attention-maps");
  const [frames, joints] = [data.frames, data.joints.length];
  layers.forEach((layer, i) => select.add(new Option(layer.name, i)));
  select.value = first;

  const figures = actions.map((action) => {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const canvas = document.createElement("canvas");
    caption.textContent = action;
    [canvas.width, canvas.height] = [joints, frames];
    canvas.setAttribute("role", "img");
    figure.append(caption, canvas);
    maps.append(figure);
    return canvas;
  });

  const draw = () => {
    const layer = layers[select.value];
    if (!layer) return;
    const values = bytes(layer.maps);
    figures.forEach((canvas, a) => {
      const context = canvas.getContext("2d");
      canvas.setAttribute("aria-label", `${layer.name} during ${actions[a]}: joints across, frames down`);
      for (let t = 0; t < frames; t++)
        for (let v = 0; v < joints; v++) {
          context.fillStyle = colour(values[(a * frames + t) * joints + v] / 255);
          context.fillRect(v, t, 1, 1);
        }
      canvas.onmousemove = (event) => {
        const box = canvas.getBoundingClientRect();
        const v = Math.min(joints - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * joints)));
        const t = Math.min(frames - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * frames)));
        const share = (values[(a * frames + t) * joints + v] / 255) * layer.most;
        canvas.title = `${data.joints[v]}, frame ${t + 1}: ${(100 * share).toFixed(0)} % fire`;
      };
    });
    const scale = document.getElementById("attention-scale");
    const ramp = document.createElement("span");
    ramp.className = "ramp";
    ramp.style.background = `linear-gradient(90deg, ${data.palette.filter((_, i) => i % 10 === 0).join(", ")})`;
    const some = actions.length < of ? ` · the ${actions.length} of ${of} actions with most clips` : "";
    scale.replaceChildren("0", ramp, `${(100 * layer.most).toFixed(0)} % fire · joint 1 to ${joints} →, frame 1 to ${frames} ↓${some}`);
  };
  select.addEventListener("change", draw);
  draw();
})();
