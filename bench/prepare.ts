// Writes the files of a case: node prepare.js <case> <folder>.
import { caseOf, writeCase } from './case.ts'

writeCase(caseOf(process.argv[2]), process.argv[3])
