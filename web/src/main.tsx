import { render } from 'preact'
import './style/tokens.css'
import './style/base.css'
import './style/shell.css'
import './style/parts.css'
import { App } from './app.tsx'

render(<App />, document.querySelector('#app')!)
