export const socket = '/run/redis.sock';
