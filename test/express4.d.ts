// The devDependency `express4` is Express 4 under another name; the tests use it through the types of Express 5.
declare module 'express4' {
  import express = require('express')
  export = express
}
