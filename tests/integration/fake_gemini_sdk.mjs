// Each call of @google/genai once, against the base URL in the environment; each one's result, or its error, as JSON.
import { GoogleGenAI, Modality } from "@google/genai";
import { readFileSync, writeFileSync } from "node:fs";

const [folder] = process.argv.slice(2);
const httpOptions = { baseUrl: process.env.GOOGLE_GEMINI_BASE_URL };
const ai = new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY, httpOptions });
const model = "gemini-2.5-flash";
const upload = `${folder}/upload.txt`;
writeFileSync(upload, "abc");

async function all(pages) {
  const items = [];
  for await (const item of await pages) items.push(item);
  return items;
}

function live(message) {
  return new Promise((resolve, reject) => {
    const said = [];
    let session;
    const onmessage = (got) => {
      said.push(got.text ?? "");
      if (got.serverContent?.turnComplete) {
        session.close();
        resolve({ text: said.join(""), usage: got.usageMetadata?.totalTokenCount });
      }
    };
    const onclose = (event) => reject(new Error(`closed: ${event.code} ${event.reason}`));
    const callbacks = { onmessage, onclose, onerror: (event) => reject(new Error(String(event.message))) };
    ai.live.connect({ model, config: { responseModalities: [Modality.TEXT] }, callbacks }).then((opened) => {
      session = opened;
      message(session);
    }, reject);
  });
}

function music() {
  return new Promise((resolve, reject) => {
    let session;
    const onmessage = (got) => {
      if (got.serverContent?.audioChunks) {
        session.close();
        resolve(got.serverContent.audioChunks[0].data.length);
      }
    };
    const callbacks = { onmessage, onclose: (event) => reject(new Error(`closed: ${event.code}`)), onerror: reject };
    ai.live.music.connect({ model: "models/lyria-realtime-exp", callbacks }).then(async (opened) => {
      session = opened;
      await session.setWeightedPrompts({ weightedPrompts: [{ text: "a", weight: 1 }] });
      session.play();
    }, reject);
  });
}

const calls = {
  generate: async () => (await ai.models.generateContent({ model, contents: "hi" })).text,
  usage: async () => (await ai.models.generateContent({ model, contents: "one two" })).usageMetadata,
  stream: async () => (await all(ai.models.generateContentStream({ model, contents: "hi" }))).map((part) => part.text),
  chat: async () => (await ai.chats.create({ model }).sendMessage({ message: "hi" })).text,
  chatStream: async () => (await all(ai.chats.create({ model }).sendMessageStream({ message: "hi" }))).at(-1).text,
  embed: async () => (await ai.models.embedContent({ model: "e", contents: ["abc", "d"] })).embeddings.map((e) => e.values),
  count: async () => (await ai.models.countTokens({ model, contents: "a b" })).totalTokens,
  models: async () => (await all(ai.models.list())).map((found) => found.name),
  model: async () => (await ai.models.get({ model })).name,
  videos: async () => {
    const begun = await ai.models.generateVideos({ model: "veo-3.0-generate-001", prompt: "p" });
    return (await ai.operations.getVideosOperation({ operation: begun })).done;
  },
  upload: async () => {
    const config = { displayName: "D", mimeType: "text/x-test", name: "mine" };
    const made = await ai.files.upload({ file: upload, config });
    return [made.name, made.displayName, made.mimeType, made.sizeBytes];
  },
  files: async () => (await all(ai.files.list())).length,
  file: async () => (await ai.files.get({ name: "mine" })).displayName,
  download: async () => {
    await ai.files.download({ file: "mine", downloadPath: `${folder}/download` });
    await new Promise((resolve) => setTimeout(resolve, 200));
    return readFileSync(`${folder}/download`, "utf8");
  },
  remove: async () => typeof (await ai.files.delete({ name: "mine" })),
  cache: async () => (await ai.caches.create({ model, config: { contents: "hi" } })).name,
  caches: async () => (await all(ai.caches.list())).length,
  cacheUpdate: async () => (await ai.caches.update({ name: "cachedContents/one", config: { ttl: "60s" } })).name,
  batch: async () => (await ai.batches.create({ model, src: [{ contents: [{ parts: [{ text: "hi" }] }] }] })).name,
  batches: async () => (await all(ai.batches.list())).length,
  batchGet: async () => (await ai.batches.get({ name: "batches/one" })).state,
  store: async () => (await ai.fileSearchStores.create({ config: { displayName: "D" } })).name,
  stores: async () => (await all(ai.fileSearchStores.list())).length,
  storeUpload: async () => {
    const fileSearchStoreName = "fileSearchStores/s";
    return (await ai.fileSearchStores.uploadToFileSearchStore({ file: upload, fileSearchStoreName })).name;
  },
  documents: async () => (await all(ai.fileSearchStores.documents.list({ parent: "fileSearchStores/s" }))).length,
  token: async () => (await ai.authTokens.create({ config: { uses: 1 } })).name,
  interaction: async () => (await ai.interactions.create({ model, input: "hi" })).outputs?.[0]?.text,
  interactionStream: async () => (await all(ai.interactions.create({ model, input: "hi", stream: true }))).at(-1).event_type,
  interactionGet: async () => (await ai.interactions.get("int-1")).id,
  webhooks: async () => Object.keys(await ai.webhooks.list()),
  live: () => live((session) => session.sendClientContent({ turns: "hi", turnComplete: true })),
  liveText: () => live((session) => session.sendRealtimeInput({ text: "hi" })),
  music,
};

const results = {};
for (const [name, call] of Object.entries(calls)) {
  try {
    results[name] = await call();
  } catch (error) {
    results[name] = { error: String(error).slice(0, 400) };
  }
}
console.log(JSON.stringify(results));
process.exit(0);
