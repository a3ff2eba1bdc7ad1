/** What is said when somebody gives a seed to a command that makes keys for the world outside. */
export const PREDICTABLE = 'predictable keys: everybody who knows the seed can make them too';
