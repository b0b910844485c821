#!/usr/bin/env node
import '../dist/mtlc.js'
