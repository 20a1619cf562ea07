// One Live session: a prompt, and its answer, as JSON.
import { GoogleGenAI, Modality } from "@google/genai";
const ai = new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY, httpOptions: { baseUrl: process.env.GOOGLE_GEMINI_BASE_URL } });
const said = [];
const session = await new Promise((resolve, reject) => {
  const opened = ai.live.connect({
    model: "gemini-2.5-flash",
    config: { responseModalities: [Modality.TEXT] },
    callbacks: {
      onmessage: (m) => { said.push(m); if (m.serverContent?.turnComplete) { console.log(JSON.stringify({ text: said.map((x) => x.text ?? "").join("") })); process.exit(0); } },
      onerror: (e) => { console.log(JSON.stringify({ error: String(e.message ?? e) })); process.exit(1); },
      onclose: (e) => { console.log(JSON.stringify({ closed: e.code, reason: String(e.reason) })); process.exit(1); },
    },
  });
  opened.then(resolve, reject);
});
session.sendClientContent({ turns: "ping", turnComplete: true });
