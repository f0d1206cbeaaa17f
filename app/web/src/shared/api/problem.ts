/** RFC 9457 problem details, as every Lamplighter endpoint answers them. */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly code: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly errors?: readonly FieldError[]
}

export interface FieldError {
  readonly field: string
  /** A stable code. */
  readonly reason: string
  /** The reason in the language the page asked for. */
  readonly message?: string
}

/** A refusal the server put in words. `title` is in the language the page asked for. */
export class ApiProblem extends Error {
  constructor(readonly problem: ProblemBody) {
    super(problem.detail ?? problem.title)
  }

  get code(): string {
    return this.problem.code
  }

  get status(): number {
    return this.problem.status
  }

  /** Reasons by field name, for a form to show beside its inputs. */
  fieldErrors(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      (this.problem.errors ?? []).map(({ field, reason, message }) => [field, message ?? reason]),
    )
  }
}

/** No answer came at all: the link is down, the server is away or the request took too long. */
export class Unreachable extends Error {}

function isProblem(body: unknown): body is ProblemBody {
  return typeof body === 'object' && body !== null && 'title' in body && 'status' in body
}

/** The problem in a failed response; a proxy's HTML page becomes a problem without a field list. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => null)
  if (isProblem(body)) return new ApiProblem({ ...body, code: body.code ?? 'unknown' })
  return new ApiProblem({
    type: 'about:blank',
    title: `${response.status} ${response.statusText}`.trim(),
    status: response.status,
    code: 'no-problem-body',
  })
}
