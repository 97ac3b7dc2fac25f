/** Endpoints in a controller of Nest with a parameter, behind Nest's own body parser: the server is that of the tenant. */
import 'reflect-metadata'
import { All, Controller, Module, Next, Req, Res } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import express, { type Express, type NextFunction, type Request, type Response, type Router } from 'express'
import {
  approve,
  authorizeRouter,
  clientCredentials,
  createAuthorizationServer,
  memoryStorage,
  registerClient,
  tokenRouter,
} from 'express-authorization-server'
import { start } from '../../examples/shared/start'

const routers = new Map<string, { authorize: Router; token: Router }>()

@Controller(':tenant')
class OAuthController {
  @All('authorize')
  authorize(@Req() req: Request, @Res() res: Response, @Next() next: NextFunction) {
    routers.get(String(req.params.tenant))?.authorize(req, res, next)
  }

  @All('token')
  token(@Req() req: Request, @Res() res: Response, @Next() next: NextFunction) {
    routers.get(String(req.params.tenant))?.token(req, res, next)
  }
}

@Module({ controllers: [OAuthController] })
class AppModule {}

async function createApp(origin: string): Promise<Express> {
  for (const name of ['acme', 'globex']) {
    const storage = memoryStorage()
    const grants = [clientCredentials()]
    const server = createAuthorizationServer({ issuer: `${origin}/${name}`, storage, scopes: ['read'], grants })
    const client = { clientId: 'app', clientSecret: `the secret of ${name}`, grantTypes: ['client_credentials'] }
    await registerClient(server, { ...client, scopes: ['read'] })
    routers.set(name, {
      authorize: authorizeRouter(server, { decide: approve({ clients: [] }) }),
      token: tokenRouter(server),
    })
  }
  const app = express()
  const nest = await NestFactory.create(AppModule, new ExpressAdapter(app), { logger: false })
  await nest.init()
  return app
}

void start(createApp)
