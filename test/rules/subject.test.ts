import { subjectId } from '../../src/rules/subject'

describe('the id of a user', () => {
  it.each<[unknown, string]>([
    ['alice', 'alice'],
    ['0', '0'],
    [' ', ' '],
    [7, '7'],
    [0, '0'],
    [-1, '-1'],
    [12345678901234567890n, '12345678901234567890'],
    [{ id: 'alice' }, 'alice'],
    [{ id: 7, name: 'Alice' }, '7'],
    [{ id: 0 }, '0'],
  ])('of %p is %j', (user, id) => {
    expect(subjectId(user)).toBe(id)
  })

  it.each<[unknown]>([
    [undefined],
    [null],
    [''],
    [false],
    [true],
    [Symbol('alice')],
    [[]],
    [['alice']],
    [{}],
    [{ id: undefined }],
    [{ id: null }],
    [{ id: '' }],
    [{ id: { id: 'alice' } }],
    [{ id: ['alice'] }],
    [() => 'alice'],
  ])('of %p is nobody', (user) => {
    expect(subjectId(user)).toBeUndefined()
  })

  // every user whose id is broken in the same way would be the same user
  it.each<[unknown]>([
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [1.5],
    [2 ** 53],
    [{ id: Number.NaN }],
    [{ id: 2 ** 60 }],
  ])('of %p is nobody: such a number stands for more than one user', (user) => {
    expect(subjectId(user)).toBeUndefined()
  })
})
