// Loaded into a real Electron before the app (-r): answers its questions by the labels in SURGE_TEST_ANSWERS, in turn, and
// keeps what was asked. Without an answer a question is closed, as with Escape.
const { dialog } = require('electron');
const answers = (process.env.SURGE_TEST_ANSWERS ?? '').split('|').filter(Boolean);
globalThis.askedQuestions = [];
dialog.showMessageBox = (...parameters) => {
  const { message, buttons = ['OK'], cancelId = 0 } = parameters.at(-1);
  globalThis.askedQuestions.push(message);
  const label = answers[0] ?? '';
  const response = buttons.indexOf(label);
  if (response >= 0) answers.shift();
  return Promise.resolve({ response: response < 0 ? cancelId : response, checkboxChecked: false });
};
