const form = document.querySelector(".filter");
if (form) {
  const groups = [...document.querySelectorAll(".group")];
  const texts = new Map(groups.map((group) => [group, group.textContent.toLowerCase()]));
  const apply = () => {
    const data = new FormData(form);
    const words = data.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    const kinds = data.getAll("kind");
    let shown = 0;
    for (const group of groups) {
      const matches = kinds.includes(group.dataset.kind) && words.every((word) => texts.get(group).includes(word));
      group.hidden = !matches;
      shown += matches;
    }
    form.querySelector("output").textContent = `${shown} of ${groups.length} groups`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}
