import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { capabilities } from '../capabilities.ts';
import { WEB_FOLDER } from '../root-folder.ts';
import { addHostCheck } from './allowed-hosts.ts';
import { answerClientError } from './client-errors.ts';
import { addErrorReplies, type ReportFault, sendError } from './error-replies.ts';
import { addFirmwareRoutes } from './firmware-routes.ts';
import { FirmwareStore } from './firmware-store.ts';
import { addOpenApi } from './openapi.ts';
import type { Operation } from './operation.ts';
import { addPage } from './page.ts';
import { addRequestValidation } from './request-validation.ts';
import { addRunRoutes } from './run-routes.ts';
import { addScenarioRoutes } from './scenario-routes.ts';
import { addSecurityHeaders, SECURITY_HEADERS } from './security-headers.ts';
import { addSessionRoutes } from './session-routes.ts';
import { Sessions } from './sessions.ts';
import { SYSTEM_TIMERS, type Timers } from './timers.ts';

export interface LabOptions {
  /** Names besides those of loopback under which clients may come. */
  readonly allowedHosts?: readonly string[];
  /** Live sessions at a time. Default: 100. */
  readonly maxSessions?: number;
  /** Milliseconds after which a session that nobody asks for ends. Default: 15 minutes. */
  readonly idle?: number;
  readonly timers?: Timers;
  /** Is told of faults of ours. Default: nobody. */
  readonly reportFault?: ReportFault;
  /** The page that is served. */
  readonly page?: string;
}

/** Of a request's body unless its route says otherwise. Bytes. */
const BODY_MAX = 256 * 1024;
/** In which a request must have come whole. Milliseconds. */
const REQUEST_TIME = 30_000;

const able: Operation = {
  summary: 'What this build can do',
  answers: { 200: { description: 'as sevlab capabilities --json', schema: { type: 'object' } } },
};

/** The HTTP side of the lab, not listening yet: a page, scenarios, and live sessions. */
export async function buildLab(options: LabOptions = {}): Promise<FastifyInstance> {
  const {
    allowedHosts = [],
    maxSessions = 100,
    idle = 15 * 60_000,
    timers = SYSTEM_TIMERS,
    reportFault = () => {},
    page = WEB_FOLDER,
  } = options;
  const app = Fastify({
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    bodyLimit: BODY_MAX,
    requestTimeout: REQUEST_TIME,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      // fastify types these for no route in particular; hooks do not run for them
      (reply as FastifyReply).headers(SECURITY_HEADERS);
      sendError(error, request as FastifyRequest, reply as FastifyReply, reportFault);
    },
  });
  app.removeContentTypeParser('text/plain'); // bodies are JSON, unless a route says otherwise
  addErrorReplies(app, reportFault);
  addSecurityHeaders(app);
  addHostCheck(app, allowedHosts);
  addRequestValidation(app);
  addOpenApi(app);

  const sessions = new Sessions({ most: maxSessions, idle }, timers);
  app.addHook('preClose', async () => sessions.close());
  const firmware = new FirmwareStore();

  app.get('/api/capabilities', { config: { operation: able } }, () => capabilities());
  addScenarioRoutes(app);
  await addRunRoutes(app, timers);
  await addFirmwareRoutes(app, firmware);
  addSessionRoutes(app, { sessions, firmware, timers });
  await addPage(app, page);
  return app;
}
