/**
 * A Nest app whose users are rows of TypeORM. The tables of OAuth are in the same database, on TypeORM's own pool. A process
 * of its own, started with the database's URL: Nest is ES modules only.
 */
import 'reflect-metadata'
import { Controller, Get, Module, Req } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { compare, hash } from 'bcryptjs'
import express, { type Express, type Request, Router } from 'express'
import {
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  ensureClient,
  oauthRouter,
  resourceOwner,
} from 'express-authorization-server'
import { postgresStorage } from 'express-authorization-server/postgres'
import session from 'express-session'
import type { Pool } from 'pg'
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type Repository } from 'typeorm'
import { start } from '../../examples/shared/start'
import { clientId, redirectUri } from '../hosts/client'

@Entity('people')
class Person {
  @PrimaryGeneratedColumn('increment')
  id!: number
  @Column('text', { unique: true })
  username!: string
  @Column('text')
  name!: string
  @Column('text', { select: false })
  passwordHash!: string
}

@Controller('me')
class MeController {
  @Get()
  me(@Req() req: Request) {
    return JSON.stringify((resourceOwner(req) as Person).name)
  }
}

@Module({ controllers: [MeController] })
class AppModule {}

declare module 'express-session' {
  interface SessionData {
    personId: number
  }
}

/** The app's own sign-in, on TypeORM's rows. */
function signIn(people: Repository<Person>): Router {
  const router = Router().use(session({ secret: 'for this test', resave: false, saveUninitialized: false }))
  router.get('/login', (_req, res) => {
    res.send('<form method="post"><input name="username"><input name="password"><button>Sign in</button></form>')
  })
  router.post('/login', express.urlencoded({ extended: false }), async (req, res) => {
    const { username, password } = req.body as Record<'username' | 'password', string>
    const select = { id: true, passwordHash: true } as const
    const person = await people.findOne({ where: { username: String(username) }, select })
    if (!person || !(await compare(String(password), person.passwordHash))) return void res.sendStatus(401)
    req.session.personId = person.id
    res.redirect(String(req.query.return_to))
  })
  return router
}

async function createApp(issuer: string): Promise<Express> {
  const database = new DataSource({
    type: 'postgres',
    url: String(process.argv[2]),
    entities: [Person],
    synchronize: true,
  })
  await database.initialize()
  const people = database.getRepository(Person)
  if ((await people.count()) === 0) {
    await people.insert({ username: 'ada', name: 'Ada', passwordHash: await hash('analytical engine', 4) })
  }
  // the pool of TypeORM's driver for PostgreSQL
  const storage = postgresStorage((database.driver as unknown as { master: Pool }).master)
  await storage.migrate()
  const server = createAuthorizationServer({
    issuer,
    storage,
    scopes: { read: 'Read your notes' },
    users: {
      find: (id) => people.findOneBy({ id: Number(id) }),
      current: ({ session }) => session.personId && people.findOneBy({ id: session.personId }),
      signIn: '/login',
    },
  })
  await ensureClient(server, {
    clientId,
    redirectUris: [redirectUri],
    scopes: ['read'],
    tokenEndpointAuthMethods: ['none'],
  })

  const app = express()
  const nest = await NestFactory.create(AppModule, new ExpressAdapter(app), { logger: false })
  nest.setGlobalPrefix('api')
  nest.use(signIn(people))
  nest.use(oauthRouter(server, { decide: consentPage(), protect: false }))
  nest.use('/api/me', bearerGuard(server, { scope: 'read' }))
  await nest.init()
  return app
}

void start(createApp)
