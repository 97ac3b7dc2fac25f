/** A name server on loopback that says what a test wants, or nothing at all; the library's own lookups go to it. */
import { createSocket } from 'node:dgram'
import dns from 'node:dns/promises'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'

export interface NameServer {
  /** The names that were asked for, once for each packet that arrived. */
  asked: string[]
  /** The questions of this process without an end. A cancelled one ends some turns of the loop later. */
  pending(): Promise<number>
  close(): void
}

/** `addressesOf` is asked for each name: its addresses, none for a name that is not there, undefined for silence. */
export async function createNameServer(
  addressesOf: (name: string) => readonly string[] | undefined,
): Promise<NameServer> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (question, { port, address }) => {
    const name = nameIn(question)
    asked.push(name)
    const addresses = addressesOf(name)
    if (addresses) socket.send(answerTo(question, addresses), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  let pending = 0
  const counted = async <T>(question: Promise<T>): Promise<T> => {
    pending++
    return question.finally(() => pending--)
  }
  const { Resolver } = dns
  // a real resolver, which asks here instead of where the machine would
  const replaced = jest.spyOn(dns, 'Resolver').mockImplementation((options) => {
    const resolver = new Resolver(options)
    resolver.setServers([`127.0.0.1:${socket.address().port}`])
    for (const method of ['resolve4', 'resolve6'] as const) {
      const ask = resolver[method].bind(resolver) as (name: string) => Promise<string[]>
      resolver[method] = ((name: string) => counted(ask(name))) as never
    }
    return resolver
  })
  return {
    asked,
    async pending() {
      for (let turn = 0; turn < 10 && pending > 0; turn++) await new Promise(setImmediate)
      return pending
    },
    close() {
      replaced.mockRestore()
      socket.close()
    },
  }
}

const A = 1
const AAAA = 28
const HEADER_BYTES = 12

/** RFC 1035 §4.1.2: labels, each after its length. */
function nameIn(question: Buffer): string {
  const labels: string[] = []
  for (let at = HEADER_BYTES; question[at]; at += (question[at] as number) + 1) {
    labels.push(question.toString('latin1', at + 1, at + 1 + (question[at] as number)))
  }
  return labels.join('.')
}

/** RFC 1035 §4.1: the question again, and the addresses of the kind that was asked for. */
function answerTo(question: Buffer, addresses: readonly string[]): Buffer {
  const end = question.indexOf(0, HEADER_BYTES) + 5
  const type = question.readUInt16BE(end - 4)
  const records = addresses.filter((address) => (isIPv4(address) ? A : AAAA) === type).map(bytesOf)
  const header = Buffer.from(question.subarray(0, HEADER_BYTES))
  // a response, recursion available; 3 is a name that does not exist
  header.writeUInt16BE(addresses.length > 0 ? 0x8180 : 0x8183, 2)
  header.writeUInt16BE(records.length, 6)
  header.writeUInt32BE(0, 8)
  const answers = records.map((bytes) => {
    const record = Buffer.from([0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length])
    return Buffer.concat([record, bytes])
  })
  return Buffer.concat([header, question.subarray(HEADER_BYTES, end), ...answers])
}

function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  const mapped = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const hex = (high = '0', low = '0') => ((Number(high) << 8) | Number(low)).toString(16)
  const plain = mapped ? `${mapped[1]}${hex(mapped[2], mapped[3])}:${hex(mapped[4], mapped[5])}` : address
  const [before = [], after = []] = plain.split('::').map((half) => half.split(':').filter(Boolean))
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
