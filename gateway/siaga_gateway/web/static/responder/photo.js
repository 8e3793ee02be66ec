// Makes a photograph small before it is sent: over 2G the rest would take minutes. Without this script it goes as it is.
"use strict";
(() => {
  const SIDE = 1600, SMALL = 300000, QUALITY = 0.8;
  const form = document.querySelector("form"), input = document.getElementById("photo");
  const status = form.querySelector("[role=status]");
  let sent = false;

  async function smaller(file) {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const made = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", QUALITY); });
    if (!made || made.size >= file.size) return;
    const kept = new DataTransfer();
    kept.items.add(new File([made], "photo.jpg", { type: "image/jpeg" }));
    input.files = kept.files;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sent) return;
    sent = true;
    status.textContent = form.dataset.working;
    const file = input.files[0];
    try { if (file && file.size > SMALL) await smaller(file); } catch { /* it goes as it is */ }
    form.submit();
  });
  window.addEventListener("pageshow", () => { sent = false; status.textContent = ""; });
})();
