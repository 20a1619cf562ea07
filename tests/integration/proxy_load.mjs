// One client, kept busy until the file named STOP is there; what it sent and lost is printed as JSON.
import { GoogleGenAI } from "@google/genai";
import { existsSync } from "node:fs";

const [stop, workers] = [process.argv[2], Number(process.argv[3])];
const ai = new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY });
const model = "gemini-2.5-flash";
const counts = { sent: 0, lost: 0, errors: [] };

async function one() {
  const answer = await ai.models.generateContent({ model, contents: "ping" });
  if (answer.text !== "pong: ping") throw new Error(`answer: ${answer.text}`);
}

async function stream() {
  let text = "";
  for await (const chunk of await ai.models.generateContentStream({ model, contents: "ping" })) text += chunk.text ?? "";
  if (text !== "pong: ping") throw new Error(`stream: ${text}`);
}

async function work(number) {
  while (!existsSync(stop)) {
    counts.sent += 1;
    try {
      await (number % 2 ? one : stream)();
    } catch (error) {
      counts.lost += 1;
      counts.errors.push(String(error).slice(0, 300));
    }
  }
}

await Promise.all(Array.from({ length: workers }, (_, number) => work(number)));
console.log(JSON.stringify(counts));
