import { STRUCTURES } from '@sevlab/codec/structures';
import { routeHash } from '../route.ts';

/** Every structure that the pipeline passes, field by field. */
export function StructureReference({ name }: { readonly name?: string | undefined }) {
  const chosen = name !== undefined && Object.hasOwn(STRUCTURES, name) ? name : 'launch-secret';
  const structure = STRUCTURES[chosen]!; // both of these are names of it
  return (
    <>
      <h2>{structure.name}</h2>
      <p>
        <label>
          Structure{' '}
          <select
            value={chosen}
            onChange={({ currentTarget }) => {
              location.hash = routeHash({ view: 'reference', topic: `structures/${currentTarget.value}` });
            }}
          >
            {Object.keys(STRUCTURES).map((key) => (
              <option key={key}>{key}</option>
            ))}
          </select>
        </label>{' '}
        {structure.spec}. {structure.size} bytes. <code>sevlab annotate {chosen} FILE</code>
      </p>
      <table class="listing">
        <thead>
          <tr>
            <th scope="col">Offset</th>
            <th scope="col">Size</th>
            <th scope="col">Field</th>
            <th scope="col">Type</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          {structure.rows.map(({ name: field, offset, size, type, doc }) => (
            <tr key={field}>
              <td>
                <code>0x{offset.toString(16).padStart(2, '0')}</code>
              </td>
              <td>{size}</td>
              <th scope="row">
                <code>{field}</code>
              </th>
              <td>
                <code>{type}</code>
              </td>
              <td>{doc}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
