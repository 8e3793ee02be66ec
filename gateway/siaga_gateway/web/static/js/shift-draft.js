// What is typed on the page of a shift outlives a reload, in this tab alone; once it is sent it is gone from here.

for (const field of document.querySelectorAll("[data-draft]")) {
  const name = `siaga-shift-${field.dataset.draft}`;
  if (!field.value) field.value = sessionStorage.getItem(name) ?? "";
  field.addEventListener("input", () => sessionStorage.setItem(name, field.value));
  field.form.addEventListener("submit", () => sessionStorage.removeItem(name));
}
