// A bot on Baileys, led to the emulator by its environment: it repeats texts, opens files, and sends some.
// Writes one JSON object a line to stdout, among what Baileys writes there itself. node bot.mjs SESSION

import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import makeWASocket, { downloadMediaMessage, extractMessageContent, useMultiFileAuthState } from 'baileys'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { ProxyAgent } from 'undici'

const agent = new HttpsProxyAgent(process.env.HTTPS_PROXY) // for the line, and for uploads
const dispatcher = new ProxyAgent(process.env.HTTPS_PROXY) // for downloads
const FILES = {
  picture: { image: Buffer.alloc(10240, 1), caption: 'Our pot', jpegThumbnail: '', width: 1, height: 1 },
  document: { document: Buffer.alloc(10240, 2), mimetype: 'application/pdf', fileName: 'prices.pdf' },
}
const logger = { level: 'silent', child: () => logger, trace() {}, debug() {}, info() {}, warn() {}, error() {} }
const { state, saveCreds } = await useMultiFileAuthState(process.argv[2])

function tell(event, details) {
  writeSync(1, JSON.stringify({ event, ...details }) + '\n')
}

async function answer(socket, message) {
  const content = extractMessageContent(message.message)
  const text = content?.conversation ?? content?.extendedTextMessage?.text
  if (text) {
    await socket.sendMessage(message.key.remoteJid, FILES[text] ?? { text: `echo ${text}` })
  } else if (content && !content.senderKeyDistributionMessage) {
    const file = await downloadMediaMessage(message, 'buffer', { options: { dispatcher } }, { logger })
    tell('file', { id: message.key.id, sha256: createHash('sha256').update(file).digest('hex') })
  }
}

function start() {
  const shouldSyncHistoryMessage = () => false
  const options = { auth: state, agent, fetchAgent: agent, options: { dispatcher }, logger, shouldSyncHistoryMessage }
  const socket = makeWASocket({ ...options, version: [2, 3000, 1023223821] }) // any: else it asks an address for it
  socket.ev.on('creds.update', saveCreds)
  socket.ev.on('connection.update', ({ connection, qr }) => {
    if (qr) tell('code', { code: qr })
    if (connection === 'close') setTimeout(start, 200)
  })
  socket.ev.on('messages.upsert', async ({ messages }) => {
    for (const message of messages.filter(each => !each.key.fromMe)) {
      await answer(socket, message).catch(error => tell('failed', { id: message.key.id, error: String(error) }))
    }
  })
}

start()
process.stdin.on('end', () => process.exit(0)).resume()
