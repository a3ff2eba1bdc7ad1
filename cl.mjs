import {connect} from 'node:net'; const s=connect('/tmp/tenant-probe/q.sock'); s.on('error',()=>{}); setTimeout(()=>process.exit(),25000);
