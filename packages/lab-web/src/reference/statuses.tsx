import { SEV_STATUS, type SevStatus } from '@sevlab/codec/sev/status';
import { explainStatus } from '@sevlab/story/explain';

/** Every status of the SEV firmware, what it says, and what it mostly comes from. */
export const Statuses = () => (
  <>
    <h2>What the AMD-SP answers</h2>
    <p>
      55766, Status Codes. In a terminal, <code>sevlab explain NAME</code> says the same.
    </p>
    <table class="listing">
      <thead>
        <tr>
          <th scope="col">Code</th>
          <th scope="col">Name</th>
          <th scope="col">Meaning, and likely causes</th>
        </tr>
      </thead>
      <tbody>
        {(Object.keys(SEV_STATUS) as SevStatus[])
          .map(explainStatus)
          .map(({ status, code, sentence, causes }) => (
            <tr key={status}>
              <td>
                <code>0x{code.toString(16).padStart(4, '0')}</code>
              </td>
              <th scope="row">
                <code>{status}</code>
              </th>
              <td>
                {sentence}
                {causes.length > 0 && (
                  <ul class="causes">
                    {causes.map((cause) => (
                      <li key={cause}>{cause}</li>
                    ))}
                  </ul>
                )}
              </td>
            </tr>
          ))}
      </tbody>
    </table>
  </>
);
