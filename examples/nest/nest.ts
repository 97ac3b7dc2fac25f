/**
 * A Nest app with all of it: the endpoints by `app.use`, the server as a provider of a module, the guard as an injectable
 * class, a global prefix, and Nest's own body parser. One route takes the app's own JWT, or a token of OAuth.
 */
import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import {
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  Module,
  mixin,
  Post,
  Req,
  type Type,
  UseGuards,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import {
  type AuthorizationServer,
  type BearerGuardOptions,
  bearerGuard,
  bearerStrategy,
  consentPage,
  createAuthorizationServer,
  issueTokens,
  memoryStorage,
  oauthRouter,
  registerClient,
  requireScope,
  resourceOwner,
} from 'express-authorization-server'
import { sign } from 'jsonwebtoken'
import { Passport } from 'passport'
import { ExtractJwt, Strategy as JwtStrategy } from 'passport-jwt'
import { signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers } from '../shared/users'

const SERVER = Symbol('authorization server')
const PASSPORT = Symbol('passport')
/** What signs the app's own tokens. */
const ownSecret = randomBytes(32).toString('hex')

/** Runs handlers of Express one after the other. They refuse by answering: then Nest has nothing more to do. */
async function passes(context: ExecutionContext, ...handlers: RequestHandler[]): Promise<boolean> {
  const http = context.switchToHttp()
  const [req, res] = [http.getRequest<Request>(), http.getResponse<Response>()]
  for (const handler of handlers) {
    const passed = await new Promise<boolean>((resolve, reject) => {
      res.once('close', () => resolve(false))
      handler(req, res, (error?: unknown) => (error ? reject(error) : resolve(true)))
    })
    if (!passed) return false
  }
  return true
}

/** `@UseGuards(OAuthGuard({ scope: 'read' }))`: an injectable class for each set of options. */
function OAuthGuard(options: BearerGuardOptions): Type<CanActivate> {
  @Injectable()
  class Guard implements CanActivate {
    private readonly guard: RequestHandler

    constructor(@Inject(SERVER) server: AuthorizationServer) {
      this.guard = bearerGuard(server, options)
    }

    canActivate(context: ExecutionContext): Promise<boolean> {
      return passes(context, this.guard)
    }
  }
  return mixin(Guard)
}

/** The app's own JWT, or a token of OAuth with that scope. Passport knows no 403, so the scope is asked for behind it. */
function EitherGuard(scope: string): Type<CanActivate> {
  const needsScope = requireScope(scope)
  const onlyOfOAuth: RequestHandler = (req, res, next) => (req.authInfo?.clientId ? needsScope(req, res, next) : next())

  @Injectable()
  class Guard implements CanActivate {
    constructor(@Inject(PASSPORT) private readonly passport: InstanceType<typeof Passport>) {}

    canActivate(context: ExecutionContext): Promise<boolean> {
      const either = this.passport.authenticate(['jwt', 'bearer'], { session: false }) as RequestHandler
      return passes(context, either, onlyOfOAuth)
    }
  }
  return mixin(Guard)
}

@Controller('notes')
class NotesController {
  @Get()
  @UseGuards(OAuthGuard({ scope: 'read', user: true }))
  list(@Req() req: Request) {
    return { notesOf: resourceOwner(req) }
  }

  @Post()
  @UseGuards(EitherGuard('write'))
  add(@Req() req: Request, @Body() note: unknown) {
    return { by: req.user, note }
  }
}

/** What `npm run example -- nest` prints curl lines with. */
const demo = { own: '', read: '', write: '' }

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string): Promise<Express> {
  const users = await createUsers([{ id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }])
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { read: 'See your notes', write: 'Write notes' },
    users: { find: users.find, signIn: '/login' },
  })
  const redirectUris = ['http://127.0.0.1/callback']
  await registerClient(server, { clientId: 'demo', redirectUris, scopes: ['read', 'write'] })
  const passport = new Passport()
  passport.use(bearerStrategy(server))
  const settings = { jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: ownSecret }
  passport.use(new JwtStrategy(settings, ({ sub }, done) => done(null, users.find(String(sub)) ?? false)))

  @Module({
    controllers: [NotesController],
    providers: [
      { provide: SERVER, useValue: server },
      { provide: PASSPORT, useValue: passport },
    ],
  })
  class AppModule {}

  const app = express().disable('x-powered-by')
  const nest = await NestFactory.create(AppModule, new ExpressAdapter(app), { logger: false })
  nest.setGlobalPrefix('api')
  // the paths of the endpoints are theirs, whatever the prefix is
  nest.use(signIn({ users }), oauthRouter(server, { decide: consentPage(), protect: false }))
  await nest.init()

  const tokenWith = async (scope: string) =>
    (await issueTokens(server, { clientId: 'demo', userId: '1', scope })).access_token
  const own = sign({}, ownSecret, { subject: '1', expiresIn: 600 })
  Object.assign(demo, { own, read: await tokenWith('read'), write: await tokenWith('write') })
  return app
}

function instructions(issuer: string): string[] {
  const call = (token: string, more = '') => `curl -sS -H "Authorization: Bearer ${token}" ${more}${issuer}/api/notes`
  return [call(demo.read), call(demo.write, '-d text=OAuth '), call(demo.own, '-d text=own ')]
}

if (require.main === module) void start(createApp, instructions)
