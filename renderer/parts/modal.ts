/** Opens a <dialog> modally when it appears; a click on the backdrop closes it; focus returns to where it was. */
export function modal(dialog: HTMLDialogElement): () => void {
  const before = document.activeElement;
  dialog.showModal();
  const onClick = (event: MouseEvent) => {
    if (event.target !== dialog) return;
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    if (x < left || x > right || y < top || y > bottom) dialog.close();
  };
  dialog.addEventListener('click', onClick);
  return () => {
    dialog.removeEventListener('click', onClick);
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  };
}
