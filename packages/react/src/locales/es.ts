import type { Texts } from './texts.ts'

export const spanish: Texts = {
  language: 'es',

  continueWith: 'Continuar con {provider}',
  signIn: 'Iniciar sesión',
  signUp: 'Crear una cuenta',
  lastUsed: 'Usado la última vez',
  loading: 'Cargando…',
  goingOn: 'Redirigiendo a {provider}…',
  loadingFailed: 'No se ha podido cargar. Inténtalo de nuevo.',
  authFailed: 'No hemos podido comprobar si has iniciado sesión.',
  noProviders: 'No es posible iniciar sesión en este momento.',
  tryAgain: 'Reintentar',
  close: 'Cerrar',
  signedIn: 'Has iniciado sesión',

  signOut: 'Cerrar sesión',
  signOutOthers: 'Cerrar las demás sesiones',
  signOutGlobal: 'Cerrar todas las sesiones',
  signingOut: 'Cerrando sesión…',
  signOutFailed: 'Tu sesión sigue abierta. Inténtalo de nuevo.',

  accountOf: 'Cuenta de {name}',
  account: 'Tu cuenta',
  profile: 'Perfil',
  name: 'Nombre',
  unconfirmed: 'Sin confirmar',
  save: 'Guardar',
  saved: 'Cambios guardados.',
  identities: 'Cuentas vinculadas',
  connect: 'Vincular {provider}',
  disconnect: 'Desvincular',
  disconnectQuestion: 'Ya no podrás iniciar sesión con {provider}.',
  disconnected: 'Tu cuenta ya no está vinculada a {provider}.',
  sessions: 'Tus sesiones abiertas',
  thisDevice: 'Este dispositivo',
  unknownDevice: 'Dispositivo desconocido',
  lastUsedAt: 'Último uso: {date}',
  since: 'Desde el {date}',
  signOutDevice: 'Cerrar sesión: {device}',
  deviceSignedOut: 'Sesión cerrada: {device}.',
  othersSignedOut: 'Las demás sesiones se han cerrado.',
  export: 'Tus datos',
  exportNote: 'Todo lo que se guarda sobre ti, en un archivo.',
  download: 'Descargar',
  delete: 'Eliminar cuenta',
  deleteQuestion: 'Se eliminarán tu cuenta y todo su contenido. Esta acción no se puede deshacer.',
  deleteNow: 'Eliminar definitivamente',

  unknownError: 'No se ha podido iniciar sesión. Inténtalo de nuevo.',
  unknownProvider: 'El proveedor',
  errors: {
    access_denied: 'Has cancelado el inicio de sesión. No se ha cambiado nada.',
    account_inactive: '{provider} indica que esta cuenta no está activa.',
    flow_expired: 'El inicio de sesión ha tardado demasiado. Inténtalo de nuevo.',
    flow_missing:
      'Este inicio de sesión se ha empezado en otro navegador u otra ventana. Vuelve a empezar aquí.',
    flow_used: 'Este inicio de sesión ya se ha completado. Vuelve a empezar.',
    provider_bad_answer:
      '{provider} ha enviado una respuesta que no se ha podido leer. Inténtalo de nuevo más tarde.',
    provider_refused: '{provider} ha rechazado el inicio de sesión. Inténtalo de nuevo más tarde.',
    provider_unavailable:
      '{provider} no está disponible en este momento. Inténtalo de nuevo en unos instantes.',
    user_banned:
      'Esta cuenta se ha suspendido aquí. Ponte en contacto con el responsable de este sitio.',

    cross_site: 'Esta solicitud venía de otro sitio y se ha rechazado.',
    forbidden: 'No tienes permiso para hacer esto.',
    invalid_request: 'No se ha entendido la solicitud.',
    not_found: 'Aquí no hay nada.',
    prefetch_refused: 'Esta página solo se abre con un clic.',
    too_many_requests: 'Demasiados intentos. Inténtalo de nuevo en unos instantes.',
    reauth_required: 'Primero vuelve a iniciar sesión para confirmar que eres tú.',
    server_error: 'Algo ha fallado por nuestra parte. Inténtalo de nuevo.',
    unauthenticated: 'Primero inicia sesión.',
    unavailable: 'No es posible en este momento. Inténtalo de nuevo en unos instantes.',

    unreachable:
      'No se puede conectar con el servidor en este momento. Inténtalo de nuevo en unos instantes.',
    bad_answer:
      'El servidor ha enviado una respuesta que no se ha podido leer. Inténtalo de nuevo más tarde.',
  },
}
